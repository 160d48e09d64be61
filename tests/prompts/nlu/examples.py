"""A small shop's examples, and a classifier trained on them once for all tests of this folder."""

from functools import cache
from itertools import product

from prompts.nlu.intents import Classifier
from prompts.nlu.report import Report
from prompts.nlu.train import Example, train
from prompts.nlu.weights import Weights

TEMPLATES = {
    "logistics": [
        "{}快递到哪了",
        "{}包裹什么时候送到",
        "{}物流没有更新",
        "查一下{}的物流",
        "{}几号能到",
    ],
    "return": ["{}我要退货", "{}不合适想退掉", "{}能退货吗", "怎么申请{}退货", "把{}退回去"],
    "invoice": [
        "{}发票怎么开",
        "给{}开个发票",
        "{}的发票抬头错了",
        "电子发票在哪下载{}",
        "{}没收到发票",
    ],
    "cancel_order": [
        "{}取消订单",
        "不想要了{}取消",
        "{}拍错了帮我取消",
        "怎么撤销{}的订单",
        "{}订单不要了",
    ],
    "greeting": ["你好{}", "在吗{}", "{}您好", "{}有人吗", "hello{}"],
    "thanks_bye": ["谢谢{}", "好的谢谢{}", "{}再见", "辛苦了{}", "{}感谢"],
    "human": ["{}转人工", "我要人工客服{}", "{}叫你们经理来", "找真人{}", "{}给我打电话"],
    "other": ["{}今天天气不错", "讲个笑话{}", "{}你是谁", "你几岁了{}", "{}随便看看"],
}
ANGRY = ["太差劲了", "气死我了", "你们真行", "什么破服务"]
PLAIN = ["", "这个", "那双鞋", "手机"]


def examples() -> list[Example]:
    found = []
    for (intent, texts), plain in product(TEMPLATES.items(), PLAIN):
        found += [Example(text.format(plain), intent) for text in texts]
    for (intent, texts), angry in product(list(TEMPLATES.items())[:4], ANGRY):
        found += [Example(f"{text.format('')},{angry}", intent, "negative") for text in texts]
    found += [
        Example(text, "thanks_bye", "positive")
        for text in ("太好了谢谢", "服务真好", "很满意谢谢你", "真棒,好评")
    ]
    return found


@cache
def trained() -> tuple[Weights, Report]:
    return train(examples(), unknown="other")


@cache
def classifier() -> Classifier:
    return Classifier(trained()[0])
