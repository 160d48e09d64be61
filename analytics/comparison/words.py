"""Sentences of the model comparison in the two languages staff read."""

from analytics.comparison import plan
from prompts.bilingual import both

MEASURES = {
    plan.FIRST_TOKEN: both("首字延迟 p50", "First token, p50"),
    plan.LOAD: both("负载下 p99", "p99 under load"),
    plan.WINDOW: both("上下文窗口", "Context window"),
    plan.IDIOMS: both("成语理解", "Idioms"),
    plan.TOOLS: both("函数调用合规率", "Function calls"),
    plan.EMOTIONS: both("情绪 F1", "Emotion F1"),
}
MEANINGS = {
    plan.FIRST_TOKEN: both(
        "一次只问一个短问题，到第一个字的毫秒数，中位数。",
        "Milliseconds to the first token of a short answer, one question at a time; the median.",
    ),
    plan.LOAD: both(
        "按到达率（默认每秒 20 个）随机发出请求，不等前一个答完；从应发出到答完的毫秒数，第 99 百分位。失败的不计入，另外列出成功率。",
        "Requests sent as by chance, 20 a second unless told otherwise, without waiting for earlier ones; milliseconds from when one was due to the end of its answer, 99th percentile of those that were answered, with their share.",
    ),
    plan.WINDOW: both(
        "声明的窗口，与实测：在很长的文字里藏一个取件码，能答出来才算读到。从最大的开始，读不到就二分。",
        "As declared, and as probed: a long text with a code in it that has to be found. The largest is tried first, then halves.",
    ),
    plan.IDIOMS: both(
        "100 道成语四选一，答对的比例。",
        "100 questions about idioms with four choices; the share that is right.",
    ),
    plan.TOOLS: both(
        "演示商店的 60 个用例：工具和参数都必须完全一致；不该调用、或缺信息应先询问的，调用了就算错。",
        "60 cases of the demo shop: exactly the right tool with exactly the right arguments, and none where none is needed or something has to be asked for first.",
    ),
    plan.EMOTIONS: both(
        "120 句话，五种情绪，F1 对五种情绪取平均。",
        "120 lines, five emotions; F1 averaged over the emotions.",
    ),
}
WORDS = {
    "endpoint": both("模型端点", "Endpoint"),
    "price": both("每千 token 价格（输入/输出）", "Price per 1,000 tokens, in / out"),
    "spent": both("花费（元）", "Spent, CNY"),
    "calls": both("调用次数", "Calls"),
    "no_price": both("未填价格", "no price known"),
    "declared": both("声明", "declared"),
    "undeclared": both("未声明", "none declared"),
    "at_least": both("至少", "at least"),
    "below": both("低于", "below"),
    "answered": both("成功率", "answered"),
    "median": both("中位数", "median"),
    "not_measured": both("未测", "not measured"),
}
# Why a figure is missing or is of fewer items than it might be.
WHY = {
    "no_tools": both("该端点未声明支持工具", "the endpoint does not offer tools"),
    "no_key": both("没有密钥", "no key"),
    "quota_auth": both("密钥被拒或欠费", "key refused, or in arrears"),
    "rate_limit": both("被限流", "rate limited"),
    "timeout": both("超时", "timed out"),
    "unavailable": both("服务不可用", "unavailable"),
    "bad_request": both("请求被拒", "request refused"),
    "overflow": both("窗口太小", "window too small"),
}
STATES = {
    "waiting": both("等待中", "Waiting"),
    "running": both("进行中", "Running"),
    "done": both("完成", "Done"),
    "partial": both("部分结果", "Partial"),
    "cancelled": both("已取消", "Cancelled"),
}
ENDED_BY = {
    "money": both("金额上限用完", "the money it might cost is spent"),
    "calls": both("调用次数上限用完", "the calls it might make are made"),
    "day": both("当天的模型预算用完", "the day's budget for models is used up"),
    "endpoints": both("有端点没有答完", "some endpoints did not answer everything"),
}
