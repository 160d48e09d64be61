"""Registers the app with Django, and says what its rows are called."""

from django.apps import AppConfig
from typing_extensions import override

from prompts.bilingual import both, name_rows
from prompts.evaluation import shops

NAMES = {
    "Inbox": ("接入点", "inbox", "inboxes"),
    "Visitor": ("访客", "visitor", "visitors"),
    "VaultEntry": ("保险库条目", "vault entry", "vault entries"),
    "Agent": ("坐席", "agent", "agents"),
    "Conversation": ("会话", "conversation", "conversations"),
    "Turn": ("应答轮次", "turn", "turns"),
    "Message": ("消息", "message", "messages"),
    "ShadowAnswer": ("影子回答", "silent answer", "silent answers"),
    "Rating": ("评价", "rating", "ratings"),
    "Escalation": ("转人工", "escalation", "escalations"),
    "EscalationPolicy": ("转人工策略", "escalation policy", "escalation policy"),
    "Tool": ("工具", "tool", "tools"),
    "ToolCall": ("工具调用", "tool call", "tool calls"),
    "Gap": ("知识缺口", "gap", "gaps"),
    "GapSearch": ("缺口搜索", "gap search", "gap searches"),
    "Attachment": ("附件", "attachment", "attachments"),
    "Mention": ("提及", "mention", "mentions"),
    "Reveal": ("查看原文记录", "reveal", "reveals"),
    "CannedReply": ("常用语", "canned reply", "canned replies"),
    "Team": ("团队", "team", "teams"),
    "Skill": ("技能", "skill", "skills"),
    "IntakePolicy": ("进线分配", "intake policy", "intake policy"),
    "WebhookEndpoint": ("推送端点", "webhook endpoint", "webhook endpoints"),
    "WebhookDelivery": ("推送记录", "webhook delivery", "webhook deliveries"),
}


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = both("会话与接待", "Conversations")

    @override
    def ready(self) -> None:
        name_rows(self, NAMES)
        # Inline: models are there only once Django is set up.
        from chat import arms  # noqa: PLC0415
        from prompts import releases  # noqa: PLC0415

        releases.register(arms.outcomes)
        shops.register(ask="chat.rehearsal.ask", inboxes="chat.rehearsal.inboxes")
