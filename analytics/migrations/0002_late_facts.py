from django.db import migrations

# What changes after its hour was counted is noted, by whatever it was changed. A note is only added, so nobody waits for
# anybody. Erasing a conversation notes it; what a purge removes from the ledger or the queue's history does not.
NOTE = """
CREATE FUNCTION analytics_note_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO analytics_latefact (conversation_id) VALUES (OLD.conversation_id);
    ELSE
        INSERT INTO analytics_latefact (conversation_id) VALUES (NEW.conversation_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_counts_late AFTER INSERT OR UPDATE OR DELETE ON chat_rating
    FOR EACH ROW EXECUTE FUNCTION analytics_note_conversation();
CREATE TRIGGER thumb_counts_late AFTER UPDATE OF meta ON chat_message FOR EACH ROW
    WHEN (OLD.meta ->> 'feedback' IS DISTINCT FROM NEW.meta ->> 'feedback')
    EXECUTE FUNCTION analytics_note_conversation();

CREATE FUNCTION analytics_note_gone_conversations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_latefact (conversation_id) SELECT id FROM gone;
    RETURN NULL;
END $$;
CREATE TRIGGER conversation_gone AFTER DELETE ON chat_conversation
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_gone_conversations();

CREATE FUNCTION analytics_note_gone_turns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_latefact (conversation_id, at) SELECT conversation_id, queued_at FROM gone;
    RETURN NULL;
END $$;
CREATE TRIGGER turn_gone AFTER DELETE ON chat_turn
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_gone_turns();

CREATE FUNCTION analytics_note_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_latefact (at) VALUES (NEW.at);
    RETURN NULL;
END $$;
CREATE TRIGGER call_counts_late AFTER UPDATE OF taken_over, feedback ON prompts_modelcall FOR EACH ROW
    WHEN ((OLD.taken_over, OLD.feedback) IS DISTINCT FROM (NEW.taken_over, NEW.feedback))
    EXECUTE FUNCTION analytics_note_call();

CREATE FUNCTION analytics_note_reveal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO analytics_latefact (conversation_id, at) VALUES (NEW.conversation_id, NEW.at);
    ELSE
        INSERT INTO analytics_latefact (conversation_id, at) VALUES (OLD.conversation_id, OLD.at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reveal_counts_late AFTER INSERT OR DELETE ON chat_reveal
    FOR EACH ROW EXECUTE FUNCTION analytics_note_reveal();
"""
QUIET = """
DROP TRIGGER rating_counts_late ON chat_rating;
DROP TRIGGER thumb_counts_late ON chat_message;
DROP TRIGGER conversation_gone ON chat_conversation;
DROP TRIGGER turn_gone ON chat_turn;
DROP TRIGGER call_counts_late ON prompts_modelcall;
DROP TRIGGER reveal_counts_late ON chat_reveal;
DROP FUNCTION analytics_note_conversation(), analytics_note_gone_conversations(), analytics_note_gone_turns(),
    analytics_note_call(), analytics_note_reveal();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("analytics", "0001_facts"),
        ("prompts", "0011_release_stages"),
    ]

    operations = [migrations.RunSQL(NOTE, QUIET)]
