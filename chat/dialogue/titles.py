"""Titles of the default intents, which name topics where no SOP did. Plain Python."""

from collections.abc import Mapping

from prompts.nlu import segment

TITLES: Mapping[str, Mapping[str, str]] = {
    "order_status": {"zh": "订单状态", "en": "order status"},
    "logistics": {"zh": "物流", "en": "delivery"},
    "urge": {"zh": "催促", "en": "hurrying it up"},
    "change_address": {"zh": "修改收货信息", "en": "change of delivery details"},
    "cancel_order": {"zh": "取消订单", "en": "cancelling the order"},
    "return": {"zh": "退货", "en": "return"},
    "exchange": {"zh": "换货", "en": "exchange"},
    "refund": {"zh": "退款", "en": "refund"},
    "repair": {"zh": "维修与安装", "en": "repair and installation"},
    "damaged_or_wrong": {"zh": "破损错发少件", "en": "damaged or wrong goods"},
    "invoice": {"zh": "发票", "en": "invoice"},
    "promotion": {"zh": "优惠活动", "en": "promotion"},
    "price_protection": {"zh": "价格保护", "en": "price protection"},
    "payment": {"zh": "支付", "en": "payment"},
    "product_info": {"zh": "商品咨询", "en": "product questions"},
    "stock": {"zh": "库存", "en": "stock"},
    "account": {"zh": "账号与会员", "en": "account"},
    "complaint": {"zh": "投诉", "en": "complaint"},
}


def title_for(intent: str, *, called: str, language: str) -> str:
    """What a topic goes by to a reader of `language`: as an SOP calls it, unless only the intent's title is in that language."""
    known = TITLES.get(intent, {}).get(language, "")
    if called and (not known or segment.language_of(called) == language):
        return called
    return known or intent


def title_of(intent: str, *, language: str) -> str:
    """The intent's title; one that staff added goes by its name."""
    return TITLES.get(intent, {}).get(language) or intent
