"""Rows of intents and examples to train from, small enough that a training takes a second or two."""

from prompts.models import Intent, IntentExample

WORDS = {
    "logistics": ["快递到哪了", "包裹什么时候送到", "物流没有更新", "查一下物流", "几号能到货"],
    "return": ["我要退货", "不合适想退掉", "能退货吗", "怎么申请退货", "想把它退回去"],
    "invoice": ["发票怎么开", "给我开个发票", "发票抬头错了", "电子发票在哪下载", "没收到发票"],
}
ABOUT = ["", "手机", "那双鞋"]


def plant(*, intents: dict[str, list[str]] = WORDS) -> None:
    """Every wording of every intent, said about several things; two moods."""
    for name, texts in intents.items():
        intent = Intent.objects.create(name=name, title_zh=f"{name}题", title_en=name.title())
        IntentExample.objects.bulk_create(
            IntentExample(
                intent=intent,
                language="zh",
                text=f"{about}{text}{ending}",
                emotion=emotion,
                source="default",
            )
            for text in texts
            for about in ABOUT
            for ending, emotion in (("", "neutral"), ("气死我了", "negative"))
        )
