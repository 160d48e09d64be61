"""The pages under /analytics/, declared: which figures, which charts, which tables each of them shows."""

from dataclasses import dataclass
from typing import Any, Literal

from prompts.bilingual import both


@dataclass(frozen=True, slots=True)
class Chart:
    """Metrics day by day; a stacked one shows parts of a whole."""

    title: Any
    metrics: tuple[str, ...]
    kind: Literal["line", "bar"] = "line"


@dataclass(frozen=True, slots=True)
class Table:
    """Metrics, and percentiles where the dimension is the model, for each value of a dimension of one family."""

    title: Any
    family: str
    dimension: str
    heading: Any
    metrics: tuple[str, ...]
    # The trait of the conversations behind a row, before its value; empty: a filter, or nothing.
    trait: str = ""
    most: int = 20


@dataclass(frozen=True, slots=True)
class Page:
    """One address, and what stands there."""

    key: str
    icon: str
    title: Any
    intro: Any
    figures: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    # Tables of how things stand at this moment, by their names in `analytics.standing`.
    standing: tuple[str, ...] = ()


INTENT, REASON, MODEL = both("意图", "Intent"), both("原因", "Reason"), both("模型", "Model")
PAGES: dict[str, Page] = {
    page.key: page
    for page in (
        Page(
            "overview",
            "dashboard",
            both("总览", "Overview"),
            both("顾客是否得到帮助，花了多少。", "Whether customers were helped, and at what cost."),
            ("conversations", "self_service", "containment", "escalated", "abandoned", "satisfied", "answer_p95", "cost_each"),
            (
                Chart(both("会话如何结束", "How conversations ended"), ("n_by_bot", "n_by_agent", "n_abandoned", "n_unresolved", "n_open"), "bar"),
                Chart(both("自助与转人工", "Self-service and escalation"), ("self_service", "escalated", "abandoned")),
            ),
            (
                Table(
                    both("按意图", "By intent"), "conversation", "intent", INTENT,
                    ("conversations", "self_service", "escalated", "no_answer", "negative", "cost_each"),
                ),
            ),
        ),
        Page(
            "conversations",
            "forum",
            both("会话", "Conversations"),
            both("会话多少、长短、结局，以及每一段会话。", "How many, how long, how they ended; and each of them."),
            ("conversations", "open", "by_bot", "by_agent", "abandoned", "unresolved", "reopened", "lines"),
            (Chart(both("每天的会话", "Conversations a day"), ("n_by_bot", "n_by_agent", "n_abandoned", "n_unresolved", "n_open"), "bar"),),
            (),
        ),
        Page(
            "bot",
            "smart_toy",
            both("机器人", "Bot"),
            both("机器人独立解决了多少，什么时候需要人。", "How much the bot settles by itself, and when it needs people."),
            ("containment", "self_service", "no_answer", "takeover", "resumed", "failed_turns", "reopened", "answer_p50", "answer_p95", "answer_p99"),
            (
                Chart(both("独立接待与净自助", "Containment and net self-service"), ("containment", "self_service")),
                Chart(both("未答与接管", "No answer and takeover"), ("no_answer", "takeover")),
            ),
            (
                Table(both("按原因转人工", "Escalations by reason"), "reason", "label", REASON, ("labelled", "labelled_taken"), "reason"),
                Table(
                    both("按意图", "By intent"), "conversation", "intent", INTENT,
                    ("conversations", "containment", "self_service", "no_answer", "takeover", "resumed"),
                ),
            ),
        ),
        Page(
            "mood",
            "mood",
            both("情绪", "Mood"),
            both("顾客的情绪，以及它在会话里怎样变化。", "How customers feel, and how that changes within a conversation."),
            ("negative", "turn_negative", "recovered", "ended_negative", "negative_taken"),
            (
                Chart(both("出现负面情绪的会话", "Conversations with a negative mood"), ("negative", "negative_taken")),
                Chart(both("之后", "Afterwards"), ("recovered", "ended_negative")),
            ),
            (
                Table(
                    both("会话中的走势：第几轮", "The trend within conversations: turn by turn"), "mood", "label",
                    both("轮次", "Turn"), ("mood_turns", "mood_negative", "mood_neutral", "mood_positive"),
                ),
                Table(
                    both("道歉语的效果", "What the words for a negative mood do"), "soothing", "label",
                    both("提示词", "The prompt"), ("soothed_turns", "softened", "soothed_taken"),
                ),
                Table(
                    both("按发布（道歉语等提示词改动前后）", "By release: before and after a change of wording"), "conversation",
                    "release", both("发布", "Release"), ("conversations", "negative", "recovered", "ended_negative", "negative_taken"),
                ),
                Table(
                    both("按意图", "By intent"), "conversation", "intent", INTENT,
                    ("conversations", "negative", "recovered", "negative_taken"),
                ),
            ),
        ),
        Page(
            "agents",
            "support_agent",
            both("坐席与排队", "Agents and queue"),
            both("顾客等了多久，坐席答得多快。", "How long customers wait, and how fast agents answer."),
            ("waits", "claimed", "sla", "answered_30s", "responded_3min", "wait_p50", "wait_p95", "first_reply_p50", "handle", "handle_p95"),
            (
                Chart(both("进入排队与接待", "Waiting and served"), ("waits", "served"), "bar"),
                Chart(both("及时率", "In time"), ("claimed", "sla", "answered_30s", "responded_3min")),
            ),
            (
                Table(
                    both("按坐席", "By agent"), "agent", "label", both("坐席", "Agent"),
                    ("served", "handle", "answered_30s", "responded_3min", "agent_score"),
                ),
            ),
            ("agents",),
        ),
        Page(
            "knowledge",
            "menu_book",
            both("知识", "Knowledge"),
            both("哪些 SOP 在用，哪里还没有答案。", "Which SOPs are used, and where answers are missing."),
            ("no_answer", "conversations", "takeover", "thumbs_down"),
            (Chart(both("未答率", "No-answer rate"), ("no_answer",)),),
            (
                Table(both("被引用的 SOP", "SOPs that were cited"), "sop", "label", "SOP", ("labelled", "labelled_taken"), "sop", 30),
                Table(
                    both("没有答上来的意图", "Intents without an answer"), "conversation", "intent", INTENT,
                    ("no_answer", "conversations", "takeover"),
                ),
            ),
            ("sops",),
        ),
        Page(
            "models",
            "neurology",
            both("模型", "Models"),
            both("快慢、成败、费用，以及为什么选了它。", "Speed, success, cost, and why each was chosen."),
            (
                "calls", "success", "fallbacks", "first_token_p50", "first_token_p95", "first_token_p99",
                "call_p50", "call_p95", "call_p99", "turn_tokens", "cost", "turn_cost", "saved",
            ),
            (
                Chart(both("费用", "Cost"), ("cost",), "bar"),
                Chart(both("失败与切换", "Failures and fallbacks"), ("success", "fallbacks")),
            ),
            (
                Table(
                    both("按模型", "By model"), "call", "model", MODEL,
                    ("calls", "success", "fallbacks", "first_token_p50", "first_token_p95", "first_token_p99", "call_p99", "turn_tokens", "turn_cost", "cost"),
                ),
                Table(both("错误", "Errors"), "error", "label", both("错误", "Error"), ("labelled", "labelled_taken"), "error"),
                Table(both("路由原因", "Routing causes"), "cause", "label", both("原因", "Cause"), ("labelled", "labelled_taken"), "cause"),
            ),
            ("endpoints",),
        ),
        Page(
            "releases",
            "rocket_launch",
            both("发布与灰度", "Releases and canaries"),
            both("每个发布、每个灰度组的表现。", "How each release and each arm of a canary fares."),
            ("call_turns", "call_takeover", "call_negative", "call_disliked", "turn_cost"),
            (Chart(both("随后被接管", "Taken over after it"), ("call_takeover", "call_negative")),),
            (
                Table(
                    both("按发布", "By release"), "call", "release", both("发布", "Release"),
                    ("call_turns", "success", "call_takeover", "call_negative", "call_disliked", "turn_cost"),
                ),
                Table(
                    both("按灰度组（空为对照组）", "By arm of a canary (none: the control)"), "call", "label", both("灰度", "Canary"),
                    ("call_turns", "success", "call_takeover", "call_negative", "call_disliked", "turn_cost"),
                ),
                Table(
                    both("会话结局按发布", "How conversations ended, by release"), "conversation", "release", both("发布", "Release"),
                    ("conversations", "self_service", "escalated", "satisfied", "no_answer", "cost_each"),
                ),
            ),
        ),
        Page(
            "satisfaction",
            "thumbs_up_down",
            both("满意度", "Satisfaction"),
            both("顾客怎么评价。", "What customers think of it."),
            ("satisfied", "score", "rated", "said_resolved", "thumbs_up", "thumbs_down"),
            (
                Chart(both("满意度与评价率", "Satisfied and rated"), ("satisfied", "rated")),
                Chart(both("点赞与点踩", "Thumbs"), ("thumbs_up", "thumbs_down"), "bar"),
            ),
            (
                Table(both("评分分布", "Ratings"), "rated", "label", both("评分", "Rating"), ("labelled", "labelled_taken"), "rated"),
                Table(both("顾客选的标签", "Tags customers chose"), "praised", "label", both("标签", "Tag"), ("labelled", "labelled_taken"), "praised"),
                Table(both("坐席的标签", "Agents' tags"), "tag", "label", both("标签", "Tag"), ("labelled", "labelled_taken"), "tag"),
                Table(both("按意图", "By intent"), "conversation", "intent", INTENT, ("satisfied", "score", "rated", "thumbs_down")),
            ),
        ),
        Page(
            "privacy",
            "lock",
            both("隐私", "Privacy"),
            both("遮蔽了什么个人信息，谁查看过原文。", "What personal data was masked, and how often somebody looked at it."),
            ("reveals", "conversations"),
            (Chart(both("查看原文", "Reveals"), ("reveals",), "bar"),),
            (
                Table(
                    both("被遮蔽的个人信息：环节 / 种类", "Personal data masked: at which stage / what kind"), "masked", "label",
                    both("环节 / 种类", "Stage / kind"), ("labelled",), "masked", 40,
                ),
                Table(both("查看原文按种类", "Reveals by kind"), "reveal", "label", both("种类", "Kind"), ("reveals",)),
            ),
        ),
    )
}  # fmt: skip
