"""Tags that are set after their conversation was counted are counted too."""

from django.db import migrations

NOTE = """
CREATE FUNCTION analytics_note_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_latefact (conversation_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER tags_count_late AFTER UPDATE OF tags ON chat_conversation FOR EACH ROW
    WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION analytics_note_tags();
"""
QUIET = """
DROP TRIGGER tags_count_late ON chat_conversation;
DROP FUNCTION analytics_note_tags();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("analytics", "0007_mailed_reports"),
        ("chat", "0010_canned_snooze"),
    ]

    operations = [migrations.RunSQL(NOTE, QUIET)]
