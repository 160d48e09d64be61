"""Settings of inboxes, tools and their like are in the audit; secrets without their values."""

from django.db import migrations

ROWS = [
    ("chat_inbox", "chat.inbox", "name", "", "identity_secret,identity_secret_before"),
    ("chat_tool", "chat.tool", "name", "", ""),
    ("chat_escalationpolicy", "chat.escalationpolicy", "id", "", ""),
    ("chat_webhookendpoint", "chat.webhookendpoint", "name", "paused_until", "secret"),
]
ADD = "CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION audit_row('{1}', '{2}', '{3}', '{4}');"


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0016_assignment"),
        ("prompts", "0015_audit"),
    ]

    operations = [
        migrations.RunSQL(
            [ADD.format(*row) for row in ROWS],
            [f"DROP TRIGGER audit_row ON {row[0]};" for row in ROWS],
        )
    ]
