"""Figures of conversations, by when they began."""

from analytics.metrics.shapes import Metric, share
from prompts.bilingual import both

CONVERSATIONS: dict[str, Metric] = {
    "conversations": Metric(
        both("会话数", "Conversations"),
        both(
            "在所选日期内开始、顾客至少说过一句话的会话。",
            "Conversations that began on these days and in which the customer said something.",
        ),
        "conversation",
        "conversations",
    ),
    "open": Metric(
        both("进行中", "Still open"),
        both(
            "既未结束，最近 2 小时内又有人说过话的会话；不计入各种解决率。",
            "Neither resolved nor silent for two hours; left out of the rates of how conversations ended.",
        ),
        "conversation",
        "open",
        trait="kind:open",
    ),
    "by_bot": Metric(
        both("机器人解决", "Resolved by the bot"),
        both(
            "已了结，没有坐席说过话、没有在排队中落空，机器人最后一句是有效回答，顾客没有评价为未解决。",
            "Over, no agent wrote and nobody waited in vain; the bot's last line was an answer and the customer did not "
            "say that it was not resolved.",
        ),
        "conversation",
        "by_bot",
        trait="kind:bot",
        better="up",
    ),
    "by_agent": Metric(
        both("人工解决", "Resolved by agents"),
        both(
            "已了结，有坐席说过话，顾客没有评价为未解决。",
            "Over, an agent wrote, and the customer did not say that it was not resolved.",
        ),
        "conversation",
        "by_agent",
        trait="kind:agent",
    ),
    "abandoned": share(
        both("放弃率", "Abandoned"),
        both(
            "会话中，想找人工而没有等到，或最后一句是顾客说的、没有得到回应的占比。",
            "Of all conversations, those in which a person was wanted and none came, or whose last line is the customer's.",
        ),
        "abandoned",
        "conversations",
        better="down",
        trait="kind:abandoned",
    ),
    "unresolved": share(
        both("未解决率", "Not resolved"),
        both(
            "会话中，机器人最后没有答上来、最后一句被点踩，或顾客评价为未解决的占比。",
            "Of all conversations, those that ended without an answer, with a thumb down, or that the customer called not resolved.",
        ),
        "unresolved",
        "conversations",
        better="down",
        trait="kind:unresolved",
    ),
    "containment": share(
        both("机器人独立接待率", "Containment"),
        both(
            "会话中，已了结、从未转人工、没有坐席说过话的占比。",
            "Of all conversations, those that are over, never went to the queue and saw no agent.",
        ),
        "contained",
        "conversations",
        better="up",
        trait="contained",
    ),
    "self_service": share(
        both("净自助解决率", "Net self-service"),
        both(
            "会话中，由机器人解决、且顾客 24 小时内没有再来的占比。",
            "Of all conversations, those the bot resolved and whose customer did not come back within 24 hours.",
        ),
        "by_itself",
        "conversations",
        better="up",
        trait="by_itself",
    ),
    "reopened": share(
        both("重复来访率", "Reopened"),
        both(
            "已结束的会话中，同一顾客 24 小时内又开始新会话的占比。",
            "Of the conversations that were ended, those whose customer began another within 24 hours.",
        ),
        "reopened",
        "ended",
        better="down",
        trait="reopened",
    ),
    "no_answer": share(
        both("未答率", "No-answer rate"),
        both(
            "机器人说的话里，没有答上来的占比。",
            "Of the bot's lines, those that were no answer.",
        ),
        "no_answer",
        "bot_lines",
        better="down",
        trait="no_answer",
    ),
    "takeover": share(
        both("人工接管率", "Takeover rate"),
        both(
            "会话中，有坐席说过话的占比。", "Of all conversations, those in which an agent wrote."
        ),
        "taken_over",
        "conversations",
        better="down",
        trait="taken_over",
    ),
    "escalated": share(
        both("转人工率", "Escalation rate"),
        both(
            "会话中，进入过人工排队的占比。",
            "Of all conversations, those that waited for a person.",
        ),
        "escalated",
        "conversations",
        better="down",
        trait="escalated",
    ),
    "resumed": share(
        both("中断后返回率", "Resume rate"),
        both(
            "沉默 30 分钟以上的中断里，顾客又回来接着说的占比；最后一次沉默满 2 小时也算一次中断。",
            "Of the silences over 30 minutes, those after which the customer went on; a last one counts after two hours.",
        ),
        "returns",
        "breaks",
        better="up",
        trait="returned",
    ),
    "lines": Metric(
        both("每会话顾客消息", "Customer's lines each"),
        both("顾客消息数除以会话数。", "Lines of customers for each conversation."),
        "conversation",
        "visitor_lines",
        "conversations",
        "number",
    ),
    "failed_turns": share(
        both("轮次失败率", "Failed turns"),
        both("机器人轮次中以失败告终的占比。", "Of the bot's turns, those that failed."),
        "failed_turns",
        "turns",
        better="down",
        trait="failed",
    ),
    "negative": share(
        both("出现负面情绪", "Negative moods"),
        both(
            "会话中，至少一轮情绪为负面的占比。",
            "Of all conversations, those with a negative turn.",
        ),
        "negative",
        "conversations",
        better="down",
        trait="negative",
    ),
    "recovered": share(
        both("情绪回暖率", "Recovered"),
        both(
            "出现过负面情绪的会话中，紧接着一轮不再负面的占比。",
            "Of the conversations with a negative turn, those in which the turn after one was not negative.",
        ),
        "recovered",
        "negative",
        better="up",
        trait="recovered",
    ),
    "ended_negative": share(
        both("负面收场率", "Ended negative"),
        both(
            "出现过负面情绪的会话中，最后一轮仍是负面的占比。",
            "Of the conversations with a negative turn, those whose last turn was negative.",
        ),
        "ended_negative",
        "negative",
        better="down",
        trait="ended_negative",
    ),
    "negative_taken": share(
        both("负面后人工接管", "Negative, then an agent"),
        both(
            "出现过负面情绪的会话中，有坐席说过话的占比。",
            "Of the conversations with a negative turn, those in which an agent wrote.",
        ),
        "negative_taken",
        "negative",
        trait="negative_taken",
    ),
    "score": Metric(
        both("平均评分", "Average rating"),
        both("有评分的会话的平均分，1 到 5。", "Mean of the ratings, 1 to 5."),
        "conversation",
        "score",
        "rated",
        "number",
        "up",
        "rated",
    ),
    "rated": share(
        both("评价率", "Rated"),
        both("会话中顾客给出评分的占比。", "Of all conversations, those that were rated."),
        "rated",
        "conversations",
        better="up",
        trait="rated",
    ),
    "satisfied": share(
        both("满意度 CSAT", "Satisfied (CSAT)"),
        both("评分中 4 分和 5 分的占比。", "Of the ratings, those of 4 and 5."),
        "satisfied",
        "rated",
        better="up",
        trait="rated",
    ),
    "said_resolved": share(
        both("顾客说已解决", "Said to be resolved"),
        both("评价中顾客选「已解决」的占比。", "Of the ratings, those that say it was resolved."),
        "said_resolved",
        "rated",
        better="up",
        trait="rated",
    ),
    "thumbs_up": Metric(
        both("点赞", "Thumbs up"),
        both("顾客对机器人回答点赞的次数。", "Answers of the bot that customers liked."),
        "conversation",
        "thumbs_up",
        better="up",
        trait="thumb:up",
    ),
    "thumbs_down": Metric(
        both("点踩", "Thumbs down"),
        both("顾客对机器人回答点踩的次数。", "Answers of the bot that customers disliked."),
        "conversation",
        "thumbs_down",
        better="down",
        trait="thumb:down",
    ),
    "cost_each": Metric(
        both("每会话模型费用", "Model cost each"),
        both(
            "会话各轮的模型调用费用（折合人民币）除以会话数。",
            "What the models called for its turns cost, in CNY, for each conversation.",
        ),
        "conversation",
        "micro_cny",
        "conversations",
        "money",
        "down",
        "called",
        1e6,
    ),
    "tokens_each": Metric(
        both("每轮 token", "Tokens a turn"),
        both("会话各轮输入与输出 token 之和除以轮次数。", "Tokens in and out for each turn."),
        "conversation",
        "tokens",
        "turns",
        "number",
        "down",
        "called",
    ),
}
# Numbers of conversations for charts and tables whose own heading says the rest.
CONVERSATIONS |= {
    f"n_{part}": Metric(name, definition, "conversation", part, trait=f"kind:{trait}")
    for part, name, definition, trait in (
        ("by_bot", CONVERSATIONS["by_bot"].name, CONVERSATIONS["by_bot"].definition, "bot"),
        ("by_agent", CONVERSATIONS["by_agent"].name, CONVERSATIONS["by_agent"].definition, "agent"),
        (
            "abandoned",
            both("放弃", "Abandoned"),
            CONVERSATIONS["abandoned"].definition,
            "abandoned",
        ),
        (
            "unresolved",
            both("未解决", "Not resolved"),
            CONVERSATIONS["unresolved"].definition,
            "unresolved",
        ),
        ("open", CONVERSATIONS["open"].name, CONVERSATIONS["open"].definition, "open"),
    )
}
