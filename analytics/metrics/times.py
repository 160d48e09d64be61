"""Percentiles of durations."""

from analytics.metrics.shapes import Percentile
from prompts.bilingual import both

PERCENTILES: dict[str, Percentile] = {
    f"{measure}_p{round(share_ * 100)}": Percentile(
        both(f"{zh} p{round(share_ * 100)}", f"{en} p{round(share_ * 100)}"),
        both(
            f"{said_zh}；{round(share_ * 100)}% 的不超过此值，误差 1% 以内。",
            f"{said_en}; {round(share_ * 100)} % are no longer than this, within 1 %.",
        ),
        measure,
        share_,
        trait,
    )
    for measure, zh, en, said_zh, said_en, trait in (
        (
            "answer",
            "回答用时",
            "Time to answer",
            "从轮次排入到回答完成",
            "From the queueing of a turn to its answer",
            "",
        ),
        (
            "wait",
            "等待",
            "Wait",
            "被接起的会话在队列中的等待",
            "In the queue until the claim",
            "waited",
        ),
        (
            "first_reply",
            "首次应答",
            "First reply",
            "从坐席接起到第一句话",
            "From the claim to the agent's first line",
            "waited",
        ),
        (
            "handle",
            "处理时长",
            "Handle time",
            "从坐席接起到结束",
            "From the claim to the end",
            "taken_over",
        ),
        (
            "first_token",
            "首字",
            "First token",
            "成功的回答到首个 token",
            "To the first token of an answer",
            "called",
        ),
        (
            "call",
            "总用时",
            "Whole call",
            "成功的回答的全部用时",
            "The whole time of an answer's call",
            "called",
        ),
    )
    for share_ in (0.5, 0.95, 0.99)
}
