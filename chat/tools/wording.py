"""What is said of tools where staff wrote no words of their own: refusals, failures, questions, cards."""

from collections.abc import Mapping

Pair = tuple[str, str]

# By the error of a call. {title} is the tool's, {detail} what the shop said.
FAILURES: Mapping[str, Pair] = {
    "unverified": (
        "「{title}」需要先确认您的身份：请登录店铺账号后再试，或转人工办理。",
        '"{title}" needs to know who you are: sign in to the shop first, or ask for a person.',
    ),
    "not_yours": (
        "这个订单不在您的账号下，我不能查看或修改它。请核对订单号。",
        "This order is not under your account, so I cannot show or change it. Please check the number.",
    ),
    "not_found": (
        "没有查到这个订单，请核对一下订单号。",
        "I found no such order. Please check the number.",
    ),
    "shop_refused": (
        "「{title}」没有办成：{detail}。",
        '"{title}" could not be done: {detail}.',
    ),
    "unknown": (
        "「{title}」已经提交，但系统没有给我确认结果。请先不要重复提交，我建议转人工核实。",
        '"{title}" was sent, but the system did not confirm it. Please do not repeat it; a person can check.',
    ),
    "moved_on": (
        "「{title}」没有执行：会话情况已经变了。需要的话请再说一次。",
        '"{title}" was not carried out: things have changed meanwhile. Please ask again if you still want it.',
    ),
}
FAILED: Pair = (
    "抱歉，「{title}」暂时办不了，店铺系统没有正常回应。请稍后再试，或转人工。",
    'Sorry, "{title}" does not work at the moment: the shop\'s system did not answer properly. '
    "Try again later, or ask for a person.",
)
NO_DETAIL: Pair = ("店铺系统没有接受", "the shop's system did not accept it")
ASK: Pair = ("要为您{title}，还需要{slots}。", "For {title} I still need: {slots}.")
PROPOSED: Pair = ("{title}：请在下方卡片中确认。", "{title}: please confirm it in the card below.")
CANCELLED: Pair = (
    "好的，「{title}」已取消，没有做任何改动。",
    'All right, "{title}" was cancelled; nothing was changed.',
)
GONE: Pair = (
    "这项操作已经不能执行了，没有做任何改动。",
    "This can no longer be carried out; nothing was changed.",
)
CONFIRM: Pair = ("确认", "Confirm")
CANCEL: Pair = ("取消", "Cancel")
CARD_TITLE: Pair = ("确认{title}", "Confirm: {title}")
BETWEEN: Pair = ("、", ", ")


def say(pair: Pair, language: str, **values: str) -> str:
    """The text of a pair, filled."""
    return pair[1 if language == "en" else 0].format(**values)


def failure(error: str, language: str, *, title: str, detail: str) -> str:
    """The honest sentence of a call that came to nothing."""
    detail = detail.rstrip("。. ") or say(NO_DETAIL, language)
    return say(FAILURES.get(error, FAILED), language, title=title, detail=detail)
