"""Figures of agents and the queue, and those of whatever a table is about."""

from analytics.metrics.shapes import Metric, share
from prompts.bilingual import both

SERVICE: dict[str, Metric] = {
    "waits": Metric(
        both("进入排队的会话", "Conversations that waited"),
        both("进入过人工排队的会话数。", "Conversations that were put into the queue."),
        "agent",
        "waits",
        trait="escalated",
    ),
    "claimed": share(
        both("接起率", "Claimed"),
        both(
            "进入排队的会话中，被坐席接起的占比。",
            "Of the conversations that waited, those an agent claimed.",
        ),
        "claimed",
        "waits",
        family="agent",
        better="up",
        trait="waited",
    ),
    "sla": share(
        both("60 秒接起率（SLA）", "Claimed within 60 s (SLA)"),
        both(
            "被接起的会话中，等待不超过 60 秒的占比。",
            "Of the claimed conversations, those that waited 60 s at most.",
        ),
        "claimed_in_time",
        "claimed",
        family="agent",
        better="up",
        trait="waited_long",
    ),
    "answered_30s": share(
        both("30 秒应答率", "Answered within 30 s"),
        both(
            "坐席接起后，30 秒内说出第一句话的占比。",
            "Of the conversations an agent answered after the claim, those with the first line within 30 s of it.",
        ),
        "replied_in_time",
        "replied",
        family="agent",
        better="up",
        trait="replied_late",
    ),
    "responded_3min": share(
        both("3 分钟响应率", "Responses within 3 min"),
        both(
            "顾客说话后坐席的回应里，3 分钟以内的占比。",
            "Of the agents' responses to a customer's line, those within three minutes.",
        ),
        "responses_in_time",
        "responses",
        family="agent",
        better="up",
        trait="taken_over",
    ),
    "handle": Metric(
        both("平均处理时长", "Mean handle time"),
        both(
            "从坐席接起（或第一句话）到会话结束（或坐席最后一句话）。",
            "From the claim, or an agent's first line, to the end, or an agent's last line.",
        ),
        "agent",
        "handle_ms",
        "handled",
        "ms",
        "down",
        "taken_over",
    ),
    "wait": Metric(
        both("平均等待", "Mean wait"),
        both(
            "被接起的会话在队列中等待的平均时长。",
            "Mean time in the queue of the conversations that were claimed.",
        ),
        "agent",
        "wait_ms",
        "claimed",
        "ms",
        "down",
        "waited",
    ),
    "served": Metric(
        both("接待会话数", "Conversations served"),
        both("坐席说过话的会话数。", "Conversations in which an agent wrote."),
        "agent",
        "served",
        trait="taken_over",
    ),
    "agent_score": Metric(
        both("接待评分", "Rating of service"),
        both(
            "坐席接待或排队过的会话的平均评分。",
            "Mean rating of the conversations that waited or saw an agent.",
        ),
        "agent",
        "score",
        "rated",
        "number",
        "up",
        "rated",
    ),
    "soothed_turns": Metric(
        both("负面轮次", "Negative turns"),
        both(
            "机器人回答过的、情绪为负面的轮次，按会话开始时间计。",
            "Turns in a negative mood that the bot answered, by when their conversation began.",
        ),
        "soothing",
        "turns",
    ),
    "softened": Metric(
        both("之后好转", "Better afterwards"),
        both(
            "其中有下一轮的，下一轮不再是负面的占比。",
            "Of those with a turn after them, the share whose next turn was not negative.",
        ),
        "soothing",
        "softened",
        "followed",
        "percent",
        "up",
    ),
    "soothed_taken": Metric(
        both("人工接管率", "Takeover rate"),
        both(
            "这些轮次所在的会话中，有坐席说过话的占比。",
            "The share of these turns in whose conversation an agent wrote.",
        ),
        "soothing",
        "taken_over",
        "turns",
        "percent",
    ),
}
# Of whichever family a table is about.
LABELLED = {
    "labelled": Metric(
        both("会话数", "Conversations"),
        both(
            "出现过它的会话数，按会话开始时间计。",
            "Conversations it occurred in, by when they began.",
        ),
        "",
        "conversations",
    ),
    "labelled_taken": Metric(
        both("人工接管率", "Takeover rate"),
        both("其中有坐席说过话的占比。", "Those of them in which an agent wrote."),
        "",
        "taken_over",
        "conversations",
        "percent",
    ),
    "mood_turns": Metric(
        both("轮次数", "Turns"),
        both("会话中走到这一轮的次数。", "Conversations that had this turn."),
        "mood",
        "turns",
    ),
    **{
        f"mood_{name}": Metric(
            title,
            both("会话的这一轮里，情绪如此的占比。", "Of these turns, those in this mood."),
            "mood",
            name,
            "turns",
            "percent",
        )
        for name, title in (
            ("negative", both("负面", "Negative")),
            ("neutral", both("中性", "Neutral")),
            ("positive", both("正面", "Positive")),
        )
    },
}
