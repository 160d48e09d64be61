"""The audit: its table, and the triggers that write it."""

from django.conf import settings
from django.db import migrations, models
import django.utils.timezone

# Of a row: the model, the columns that name it, those that are not told, those told without their values.
FUNCTIONS = """
CREATE FUNCTION audit_hidden(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value IS NULL OR value IN ('null', '""') THEN value ELSE '"•••"'::jsonb END
$$;

CREATE FUNCTION audit_told(before jsonb, after jsonb, secret text[]) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(field, CASE
               WHEN field = ANY(secret) AND was IS NOT NULL AND now IS NOT NULL AND was NOT IN ('null', '""')
                    AND now NOT IN ('null', '""') THEN '["•••", "••• (2)"]'::jsonb
               WHEN field = ANY(secret) THEN jsonb_build_array(audit_hidden(was), audit_hidden(now))
               ELSE jsonb_build_array(was, now) END), '{}')
    FROM (SELECT field, before -> field AS was, after -> field AS now
          FROM jsonb_object_keys(before || after) AS field) pair
    WHERE was IS DISTINCT FROM now
      AND NOT (was IS NULL AND now IN ('null', '""', '[]', '{}'))
      AND NOT (now IS NULL AND was IN ('null', '""', '[]', '{}'))
$$;

CREATE FUNCTION audit_write(of_model text, of_pk text, of_label text, did text, told jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    who bigint := nullif(current_setting('yingda.actor', true), '')::bigint;
    called text := coalesce((SELECT username FROM auth_user WHERE id = who), current_setting('yingda.by', true), '');
BEGIN
    INSERT INTO prompts_auditentry (at, actor_id, actor, model, object_pk, label, act, changes, together)
    VALUES (clock_timestamp(), who, left(called, 150), of_model, of_pk, left(coalesce(of_label, ''), 200), did, told,
            (pg_current_xact_id()::text)::bigint);
END $$;

CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    skipped text[] := string_to_array(TG_ARGV[2], ',');
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) - skipped - 'id'::text END;
    now jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) - skipped - 'id'::text END;
    said jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    told jsonb := audit_told(was, now, string_to_array(TG_ARGV[3], ','));
    named text := (SELECT string_agg(said ->> part, ' ') FROM unnest(string_to_array(TG_ARGV[1], ',')) part);
    did text := CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END;
BEGIN
    IF told = '{}' THEN RETURN NULL; END IF;
    IF said ? 'prompt_id' THEN
        named := (SELECT purpose || ' ' || language FROM prompts_prompt WHERE id = (said ->> 'prompt_id')::bigint)
                 || coalesce(' v' || (said ->> 'number'), '');
    END IF;
    -- A draft saves itself every second: what one person writes within ten minutes is one change.
    IF TG_TABLE_NAME = 'prompts_promptdraft' AND TG_OP = 'UPDATE' THEN
        UPDATE prompts_auditentry entry
        SET at = clock_timestamp(), changes = entry.changes || (
            SELECT jsonb_object_agg(field, CASE WHEN entry.changes ? field
                       THEN jsonb_build_array(entry.changes -> field -> 0, pair -> 1) ELSE pair END)
            FROM jsonb_each(told) AS fresh(field, pair))
        WHERE entry.id = (SELECT max(id) FROM prompts_auditentry
                          WHERE model = TG_ARGV[0] AND object_pk = said ->> 'id')
          AND entry.act = 'changed' AND entry.at > clock_timestamp() - interval '10 minutes'
          AND entry.actor_id IS NOT DISTINCT FROM nullif(current_setting('yingda.actor', true), '')::bigint;
        IF FOUND THEN RETURN NULL; END IF;
    END IF;
    PERFORM audit_write(TG_ARGV[0], said ->> 'id', named, did, told);
    RETURN NULL;
END $$;

-- A row that joins two others is a change of the first: its model, its column, its table, the name of the field, and
-- column, table and name of the other.
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    owner bigint := (said ->> TG_ARGV[1])::bigint;
    named text; other text; pair jsonb;
BEGIN
    EXECUTE format('SELECT %I::text FROM %I WHERE id = $1', TG_ARGV[3], TG_ARGV[2]) INTO named USING owner;
    EXECUTE format('SELECT %I::text FROM %I WHERE id = $1', TG_ARGV[7], TG_ARGV[6]) INTO other
        USING (said ->> TG_ARGV[5])::bigint;
    pair := CASE TG_OP WHEN 'DELETE' THEN jsonb_build_array(other, NULL) ELSE jsonb_build_array(NULL, other) END;
    PERFORM audit_write(TG_ARGV[0], owner::text, named, 'changed', jsonb_build_object(TG_ARGV[4], pair));
    RETURN NULL;
END $$;

-- The wordings of an SOP are rewritten together: one change of the SOP for each statement.
CREATE FUNCTION audit_questions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT sop_id, jsonb_agg(text ORDER BY id) AS texts FROM touched GROUP BY sop_id LOOP
        PERFORM audit_write('prompts.sop', each.sop_id::text,
            (SELECT title FROM prompts_sop WHERE id = each.sop_id), 'changed',
            jsonb_build_object('questions', CASE TG_OP WHEN 'DELETE' THEN jsonb_build_array(each.texts, NULL)
                                                       ELSE jsonb_build_array(NULL, each.texts) END));
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_question() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_write('prompts.sop', NEW.sop_id::text, (SELECT title FROM prompts_sop WHERE id = NEW.sop_id), 'changed',
        jsonb_build_object('questions', jsonb_build_array(OLD.text, NEW.text)));
    RETURN NULL;
END $$;

CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The folding of a draft's saves comes from a trigger; nothing else may touch what is written.
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'the audit is only added to' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON prompts_auditentry FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_questions_added AFTER INSERT ON prompts_sopquestion REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_questions();
CREATE TRIGGER audit_questions_deleted AFTER DELETE ON prompts_sopquestion REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_questions();
CREATE TRIGGER audit_question AFTER UPDATE OF text ON prompts_sopquestion FOR EACH ROW
    WHEN (OLD.text IS DISTINCT FROM NEW.text) EXECUTE FUNCTION audit_question();
"""
ROWS = [
    ("prompts_prompt", "prompts.prompt", "purpose,language", "", ""),
    ("prompts_promptversion", "prompts.promptversion", "number", "default_digest", ""),
    ("prompts_promptdraft", "prompts.promptdraft", "prompt_id", "revision,updated_at,updated_by_id", ""),
    ("prompts_fewshotexample", "prompts.fewshotexample", "key,language", "updated_at,default_digest", ""),
    ("prompts_sop", "prompts.sop", "title", "updated_at,default_digest", ""),
    ("prompts_evalset", "prompts.evalset", "title", "created_at", ""),
    ("prompts_evalcase", "prompts.evalcase", "key", "updated_at", ""),
    ("prompts_release", "prompts.release", "name", "sops,previous", ""),
    ("prompts_canary", "prompts.canary", "name", "", ""),
    ("prompts_routepolicy", "prompts.routepolicy", "number", "", ""),
    ("prompts_modelendpoint", "prompts.modelendpoint", "name", "default_digest", ""),
    ("prompts_loadpolicy", "prompts.loadpolicy", "id", "", ""),
    ("prompts_intent", "prompts.intent", "name", "default_digest", ""),
    ("auth_user", "auth.user", "username", "last_login", "password,email,first_name,last_name"),
    ("auth_group", "auth.group", "name", "", ""),
]
LINKS = [
    ("auth_user_groups", "auth.user", "user_id", "auth_user", "username", "groups", "group_id", "auth_group", "name"),
    ("auth_user_user_permissions", "auth.user", "user_id", "auth_user", "username", "user_permissions", "permission_id", "auth_permission", "codename"),
    ("auth_group_permissions", "auth.group", "group_id", "auth_group", "name", "permissions", "permission_id", "auth_permission", "codename"),
    ("prompts_release_versions", "prompts.release", "release_id", "prompts_release", "name", "versions", "promptversion_id", "prompts_promptversion", "id"),
]


def triggers():
    for table, *parts in ROWS:
        yield f"CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_row({arguments(parts)});"
    for table, *parts in LINKS:
        yield f"CREATE TRIGGER audit_link AFTER INSERT OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_link({arguments(parts)});"


def arguments(parts):
    return ", ".join(f"'{part}'" for part in parts)


def undone():
    for table, *_ in ROWS:
        yield f"DROP TRIGGER audit_row ON {table};"
    for table, *_ in LINKS:
        yield f"DROP TRIGGER audit_link ON {table};"
    for name in ("audit_questions_added", "audit_questions_deleted", "audit_question"):
        yield f"DROP TRIGGER {name} ON prompts_sopquestion;"
    yield "DROP TRIGGER audit_stays ON prompts_auditentry;"
    yield "DROP FUNCTION audit_row(), audit_link(), audit_questions(), audit_question(), audit_stays(), audit_write(text, text, text, text, jsonb), audit_told(jsonb, jsonb, text[]), audit_hidden(jsonb);"


class Migration(migrations.Migration):

    dependencies = [
        ("prompts", "0014_held_prompts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor", models.CharField(blank=True, max_length=150)),
                ("model", models.CharField(max_length=60)),
                ("object_pk", models.CharField(max_length=40)),
                ("label", models.CharField(blank=True, max_length=200)),
                ("act", models.CharField(choices=[("added", "added"), ("changed", "changed"), ("deleted", "deleted")], max_length=10)),
                ("changes", models.JSONField(default=dict)),
                ("together", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "change",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["model", "object_pk", "-id"], name="audit_of_object"),
                    models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
                    models.Index(fields=["at"], name="audit_at"),
                    models.Index(fields=["together"], name="audit_together"),
                ],
            },
        ),
        migrations.RunSQL([FUNCTIONS, *triggers()], list(undone())),
    ]
