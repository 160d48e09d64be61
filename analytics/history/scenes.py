"""What the made-up past is made of: how often customers come, what they want, how that goes, what it costs. Data only."""

# How many come in each hour of the day, as shares of the busiest.
HOURS = (
    0.12, 0.06, 0.03, 0.02, 0.02, 0.04, 0.10, 0.22, 0.45, 0.75, 0.95, 0.90,
    0.70, 0.72, 0.85, 0.90, 0.85, 0.75, 0.70, 0.80, 1.00, 0.95, 0.65, 0.32,
)  # fmt: skip
WEEKDAYS = (1.0, 0.97, 0.95, 0.97, 1.02, 1.12, 1.15)
# Days of big sales, and how many more customers come.
SALES = {(6, 18): 3.0, (11, 10): 2.2, (11, 11): 4.0, (12, 12): 2.5}

# Intent: (how often, chance that the bot settles it, chance that a person is wanted, chance of a bad mood at first).
INTENTS: dict[str, tuple[float, float, float, float]] = {
    "logistics": (24, 0.86, 0.09, 0.18),
    "order_status": (12, 0.88, 0.07, 0.12),
    "refund": (11, 0.58, 0.27, 0.38),
    "return": (8, 0.62, 0.24, 0.33),
    "product_info": (13, 0.84, 0.06, 0.04),
    "promotion": (7, 0.82, 0.06, 0.06),
    "invoice": (5, 0.85, 0.07, 0.08),
    "change_address": (4, 0.74, 0.15, 0.12),
    "complaint": (4, 0.22, 0.58, 0.80),
    "stock": (4, 0.87, 0.05, 0.05),
    "payment": (3, 0.72, 0.16, 0.15),
    "repair": (3, 0.52, 0.30, 0.30),
    "urge": (2, 0.70, 0.18, 0.45),
}
ASKED: dict[str, tuple[str, ...]] = {
    "logistics": ("我的快递到哪了", "怎么三天都没更新物流", "什么时候能送到", "物流一直不动"),
    "order_status": ("查一下我的订单", "订单什么状态", "怎么还没发货"),
    "refund": ("我要退款", "退款多久到账", "钱什么时候退给我", "申请的退款没动静"),
    "return": ("怎么退货", "不合适想退", "退货运费谁出"),
    "product_info": ("这款有几种颜色", "续航多久", "适合送长辈吗", "尺寸是多少"),
    "promotion": ("有优惠券吗", "现在有什么活动", "满减能叠加吗"),
    "invoice": ("可以开发票吗", "电子发票发我邮箱 <EMAIL_1>"),
    "change_address": ("地址填错了，改成 <ADDRESS_1>", "收货电话换成 <PHONE_1>"),
    "complaint": ("我要投诉", "你们太不负责任了", "再不解决我就投诉到平台"),
    "stock": ("什么时候补货", "还有现货吗"),
    "payment": ("付款失败了", "为什么扣了两次钱"),
    "repair": ("用了一周坏了", "保修怎么弄"),
    "urge": ("能不能快点", "催一下发货"),
}
ANSWERED = (
    "您好，已为您查到：包裹正在派送途中，预计明天送达。",
    "可以的，请在订单页面点击「申请售后」，按提示填写即可。",
    "已为您记录，我们会在 24 小时内处理。",
    "目前有满 200 减 20 的活动，可与店铺券叠加。",
    "这款有黑、白、蓝三种颜色，续航约 12 小时。",
)
NOT_ANSWERED = "这个问题我暂时没有查到资料，要为您转人工吗？"
BY_AGENTS = (
    "您好，我来为您处理。",
    "已经帮您催促仓库了。",
    "退款已提交，1–3 个工作日到账。",
    "不好意思给您添麻烦了。",
)
FOLLOWED = ("好的", "那要多久", "嗯嗯", "可以吗", "还有别的办法吗", "谢谢", "不行啊")
# Reason and how often, for those who want a person.
REASONS = {
    "asked": 46,
    "displeased": 14,
    "repeated": 10,
    "furious": 8,
    "no_knowledge": 9,
    "failed": 5,
    "lasting": 5,
    "restricted": 3,
}
TAGS = {"回答准确": 30, "态度好": 26, "速度快": 24, "没解决问题": 14, "等太久": 6}
AGENT_TAGS = {"物流": 30, "退款": 25, "商品咨询": 20, "投诉": 8, "发票": 7}
SOPS = (
    "late_parcel",
    "refund_time",
    "return_how",
    "invoice_how",
    "coupon_rules",
    "warranty",
    "address_change",
    "stock_soon",
)
AGENTS = ("小琳", "阿哲", "思思", "大伟", "嘉嘉", "小鱼", "阿宁", "若若")
SHOPS = (("栖光家居旗舰店", 0.55), ("云朵数码专营店", 0.30), ("小满服饰", 0.15))
# (name, how often, milliseconds to the first token: median, a token's milliseconds, CNY per 1,000 tokens in and out, failures)
ENDPOINTS = (
    ("light", 0.62, 320, 9, 0.0005, 0.0020, 0.008),
    ("standard", 0.26, 520, 14, 0.0040, 0.0120, 0.011),
    ("strong", 0.12, 900, 22, 0.0200, 0.0600, 0.015),
)
ERRORS = {"timeout": 5, "rate_limit": 3, "server_error": 2, "bad_output": 1}
CAUSES = {"quality_cheapest": 60, "sticky": 24, "pinned": 8, "explore": 3, "dispatcher": 5}
# Each speaks for an equal part of the days, a later one a little better than the one before.
RELEASES = ("", "summer-tone", "autumn-sops", "november")
