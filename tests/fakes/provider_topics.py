"""What customers of a shop write about, and what the fake model says to it, in Chinese and English.

Data only. `provider_brain` reads it; the order breaks ties between topics.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One reason for writing. `aliases` are words by which a schema or a tool may name the same thing."""

    name: str
    aliases: tuple[str, ...]
    chinese: tuple[str, ...]
    english: tuple[str, ...]
    replies_chinese: tuple[str, ...]
    replies_english: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    """Words between bars; the empty text has none."""
    return tuple(text.split("|")) if text else ()


HUMAN = Topic(
    "human",
    _words("human|agent|handover|handoff|escalat|transfer|人工"),
    _words("转人工|人工客服|人工|真人|找客服"),
    _words("human|real person|live agent|representative|speak to someone"),
    (
        "好的，马上为您转接人工客服，请稍候~",
        "明白，这就请人工同事来帮您，请稍等。",
    ),
    ("Of course, I am bringing in a colleague now. One moment, please.",),
)

COMPLAINT = Topic(
    "complaint",
    _words("complain|投诉|差评"),
    _words("投诉|差评|举报|骗子|太差|垃圾|气死"),
    _words("complain|terrible|scam|awful|worst|unacceptable"),
    (
        "让您受委屈了，非常抱歉，我马上为您升级处理。",
        "真的很抱歉，请留个电话，专员尽快回您。",
    ),
    ("I am truly sorry. Please leave a number and a specialist will call you back.",),
)

SHOP_TOPICS = (
    HUMAN,
    COMPLAINT,
    Topic(
        "urge_delivery",
        _words("urge|hurry|expedite|催"),
        _words("催|快点|尽快发|还没发货|怎么还不发|加急"),
        _words("hurry|speed up|urgent|asap|still not shipped"),
        (
            "让您久等了，我马上帮您催一下仓库~",
            "抱歉久等，已为您加急，今天给您回复。",
        ),
        ("Sorry for the wait. I have asked the warehouse to move your order up.",),
    ),
    Topic(
        "logistics",
        _words("logistic|shipping|shipment|delivery|track|物流|快递"),
        _words("物流|快递|到哪|派送|运单|没收到|还没到|签收|什么时候到|几天到"),
        _words("where is my|tracking|track|delivery|shipping|arrive|package|parcel"),
        (
            "别着急，我帮您查物流，请发下订单号~",
            "理解您的着急，包裹在路上，我帮您盯着。",
        ),
        ("I understand. Please send me your order number and I will check the parcel right away.",),
    ),
    Topic(
        "refund_progress",
        _words("refund|退款"),
        _words("退款|退钱|钱没到|到账|退回来"),
        _words("refund|money back"),
        (
            "您放心，退款一般1至3个工作日原路退回~",
            "别担心，我帮您查退款进度，请发下订单号。",
        ),
        ("Please do not worry: refunds reach your account within 3 working days.",),
    ),
    Topic(
        "exchange",
        _words("exchange|replace|换货"),
        _words("换货|换一个|换个|换码|换尺码|换颜色"),
        _words("exchange|replace|different size|another size"),
        (
            "没问题，签收7天内都可以换，我来帮您办理~",
            "可以换的，请告诉我订单号和想换的款式。",
        ),
        ("No problem, you can exchange it within 7 days. Which size would you like?",),
    ),
    Topic(
        "return",
        _words("return|退货"),
        _words("退货|退掉|不想要|七天无理由|7天无理由|寄回"),
        _words("return|send it back|send back"),
        (
            "理解您，签收7天内支持无理由退货，我来帮您~",
            "好的，请发下订单号，我帮您申请退货。",
        ),
        ("I understand. Returns are free within 7 days; may I have your order number?",),
    ),
    Topic(
        "cancel",
        _words("cancel|取消"),
        _words("取消|不要了|拍错|撤单"),
        _words("cancel|ordered by mistake"),
        (
            "好的，未发货可以马上取消，请发下订单号~",
            "没关系，我帮您取消，款项会原路退回。",
        ),
        ("Sure, an order that has not shipped can be cancelled at once. Which one is it?",),
    ),
    Topic(
        "address_change",
        _words("address|地址"),
        _words("地址|收货人|改派|换个地方收"),
        _words("address|deliver to another|moved house"),
        (
            "别着急，没发货都能改地址，请发新地址给我~",
            "好的，我帮您改地址，请留下订单号。",
        ),
        ("No worries, I can change the address before it ships. What is the new one?",),
    ),
    Topic(
        "invoice",
        _words("invoice|receipt|发票"),
        _words("发票|开票|抬头|税号|报销"),
        _words("invoice|receipt|tax number|vat"),
        (
            "可以开的，请发抬头和税号，24小时内开好~",
            "好的，电子发票会发到您的邮箱，请放心。",
        ),
        ("Gladly. Send me the company name and tax number and it arrives within a day.",),
    ),
    Topic(
        "coupon",
        _words("coupon|voucher|discount|promo|优惠"),
        _words("优惠券|优惠|红包|满减|折扣|打折|活动"),
        _words("coupon|voucher|discount|promo|sale"),
        (
            "有的哦，领券中心可以领优惠券，我教您领~",
            "别急，我帮您看看能用哪张券。",
        ),
        ("Good news, there are coupons in the coupon centre. Shall I show you how to use one?",),
    ),
    Topic(
        "price_protection",
        _words("price_protect|price protection|price_match|价保"),
        _words("价保|保价|降价|补差价|差价|买贵"),
        _words("price protection|price drop|cheaper now|price match"),
        (
            "理解您，7天内降价可以补差价，我来帮您申请~",
            "您放心，价保期内差价会退给您。",
        ),
        ("I understand. If the price drops within 7 days we refund the difference.",),
    ),
    Topic(
        "payment_failure",
        _words("payment|pay|checkout|支付"),
        _words("支付|付款|付不了|扣款|支付失败|花呗"),
        _words("payment|pay|charged|checkout|card declined"),
        (
            "别担心，多扣的钱会自动退回，换个方式再试试~",
            "抱歉，请稍后再付，订单我帮您留着。",
        ),
        ("Please do not worry, a failed payment is returned. Try another way to pay?",),
    ),
    Topic(
        "wrong_goods",
        _words("wrong_goods|wrong_item|wrong item|错发"),
        _words("发错|错发|少发|漏发|不是我买的|货不对板"),
        _words("wrong item|wrong product|missing item|not what i ordered"),
        (
            "非常抱歉发错了，请发张照片，我马上补发~",
            "对不起，运费我们承担，马上为您换对的。",
        ),
        ("I am so sorry. Please send a photo and we will ship the right one today.",),
    ),
    Topic(
        "damaged_goods",
        _words("damage|broken|defect|破损"),
        _words("破损|坏了|碎了|质量问题|质量|破了|瑕疵"),
        _words("damaged|broken|defective|faulty|cracked"),
        (
            "真抱歉，请发张照片，破损我们包退换~",
            "让您失望了，马上给您补发或退款。",
        ),
        ("I am sorry about that. Send a photo and we will replace or refund it.",),
    ),
    Topic(
        "warranty",
        _words("warranty|repair|保修"),
        _words("保修|维修|质保|售后|修一下"),
        _words("warranty|repair|guarantee"),
        (
            "您放心，正品一年保修，我帮您登记维修~",
            "可以修的，请留个电话，售后会联系您。",
        ),
        ("It has a one-year warranty. Leave your number and our repair team will call.",),
    ),
    Topic(
        "membership",
        _words("member|points|会员|积分"),
        _words("会员|积分|等级|plus"),
        _words("member|points|loyalty"),
        (
            "您的会员权益都在的，我帮您查一下积分~",
            "会员可享包邮和折扣，我来为您介绍。",
        ),
        ("Your membership is active. Shall I check your points for you?",),
    ),
    Topic(
        "account",
        _words("account|login|password|账号"),
        _words("账号|账户|登录|密码|注册|验证码"),
        _words("account|login|log in|password|sign in"),
        (
            "别着急，用手机号就能找回密码，我教您~",
            "抱歉，请稍后重新获取验证码再试试。",
        ),
        ("No worries, you can reset the password with your phone number.",),
    ),
    Topic(
        "order_status",
        _words("order|订单"),
        _words("订单|下单|单号|发货|什么时候发"),
        _words("order|ship|dispatch"),
        (
            "您别着急，发下订单号，我马上帮您查~",
            "理解您的心情，订单正在处理，我来跟进。",
        ),
        ("I am happy to check. Could you send me your order number, please?",),
    ),
    Topic(
        "product",
        _words("product|stock|size|商品"),
        _words("有货|库存|尺码|材质|颜色|多少钱|怎么用|推荐"),
        _words("in stock|size|colour|color|material|how much|recommend"),
        (
            "这款很受欢迎，我帮您看库存和尺码~",
            "好的，请告诉我身高体重，我推荐尺码。",
        ),
        ("It is a popular choice. Tell me your size and I will check the stock.",),
    ),
    Topic(
        "thanks",
        _words("thank|谢谢"),
        _words("谢谢|感谢|多谢|辛苦"),
        _words("thank|thx|appreciate"),
        (
            "不客气，能帮到您很开心~",
            "应该的，有问题随时找我哦~",
        ),
        ("You are welcome! I am here whenever you need me.",),
    ),
    Topic(
        "goodbye",
        _words("bye|再见"),
        _words("再见|拜拜|没事了"),
        _words("goodbye|bye"),
        (
            "再见，祝您生活愉快~",
            "好的，有需要随时来找我~",
        ),
        ("Goodbye, and have a lovely day!",),
    ),
    Topic(
        "greeting",
        _words("greet|hello|smalltalk|chitchat|问候"),
        _words("你好|您好|在吗|在么|哈喽|早上好|晚上好"),
        _words("hello|hi|hey|good morning|good evening"),
        (
            "您好，我是小助手，很高兴为您服务~",
            "在的呢，请问有什么可以帮您？",
        ),
        ("Hello! I am glad you are here. How may I help you today?",),
    ),
)

OTHER = Topic(
    "other",
    _words("other|unknown|none|general|其他"),
    _words(""),
    _words(""),
    (
        "抱歉没完全明白，方便留个电话吗？我们回电给您。",
        "您别着急，请再说详细一点，我来帮您想办法。",
    ),
    ("I want to get this right. Could you leave a number so that we can call you back?",),
)

FILLER_CHINESE = "您放心，我会一直跟进到问题解决，有任何进展都会第一时间告诉您。"
FILLER_ENGLISH = " Please rest assured that I will follow this up until it is solved."

ANGRY_WORDS = _words("气死|投诉|骗子|垃圾|太差|差评|什么破|terrible|scam|awful|worst")
ANXIOUS_WORDS = _words("着急|急|怎么还|多久|催|worried|urgent|asap|hurry|still not")
HAPPY_WORDS = _words("谢谢|感谢|太好了|满意|thank|great|love it")
