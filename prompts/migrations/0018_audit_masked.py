"""The audit keeps no phone, card, identity number or e-mail that somebody typed into a text: its rows hold placeholders."""

from django.db import migrations

# Digits as people type them, at most one blank or dash between two, and nothing that goes on before or behind.
DIGIT = "[0-9０-９]"
GAP = "[ -]?"
ALONE = "(?<![0-9０-９A-Za-z_-])"
END = "(?![0-9０-９A-Za-z])"
KINDS = (
    ("EMAIL", "[A-Za-z0-9_%+][A-Za-z0-9._%+-]{0,63} ?[@＠] ?([A-Za-z0-9-]{1,63}[.．]){1,5}[A-Za-z]{2,18}"),
    ("ID_CARD", f"{ALONE}[1-9１-９]{DIGIT}{{5}}{GAP}(18|19|20|１８|１９|２０){DIGIT}{{6}}{GAP}{DIGIT}{{3}}[0-9０-９XxＸ]{END}"),
    # A card of banks; behind the phones any other long number.
    ("BANK_CARD", f"{ALONE}(?!86)[2-9２-９]({GAP}{DIGIT}){{12,18}}{END}"),
    ("PHONE", f"{ALONE}([+＋]?86{GAP})?[1１][3-9３-９]{DIGIT}({GAP}{DIGIT}{{4}}){{2}}{END}"),
    ("PHONE", f"{ALONE}[0０]{DIGIT}{{2,3}}{GAP}[2-9２-９]{DIGIT}{{2,3}}{GAP}{DIGIT}{{4}}{END}"),
    ("PHONE", f"[+＋][1-9]{DIGIT}{{0,2}}({GAP}{DIGIT}{{1,5}}){{2,5}}{END}"),
    ("BANK_CARD", f"{ALONE}{DIGIT}({GAP}{DIGIT}){{12,18}}{END}"),
)
# What none of the patterns can match is left at once.
ANY = f"[@＠]|{DIGIT}({GAP}{DIGIT}){{6}}"


def replaced() -> str:
    said = "said"
    for kind, pattern in KINDS:
        said = f"regexp_replace({said}, '{pattern}', '<{kind}_1>', 'g')"
    return said


FUNCTIONS = f"""
CREATE FUNCTION audit_masked(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN said ~ '{ANY}' THEN {replaced()} ELSE said END
$$;

-- Every text in a value; names of fields and numbers stay.
CREATE FUNCTION audit_masked(value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'string' THEN to_jsonb(audit_masked(value #>> '{{}}'))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(audit_masked(part) ORDER BY at), '[]')
                           FROM jsonb_array_elements(value) WITH ORDINALITY each(part, at))
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(name, audit_masked(part)), '{{}}')
                            FROM jsonb_each(value) each(name, part))
        ELSE value END;
END $$;

-- One number for another is a change that must be seen, as with secrets.
CREATE FUNCTION audit_masked_pair(pair jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN masked -> 0 = masked -> 1 AND pair -> 0 <> pair -> 1 AND jsonb_typeof(masked -> 1) = 'string'
                THEN jsonb_build_array(masked -> 0, (masked ->> 1) || ' (2)') ELSE masked END
    FROM audit_masked(pair) masked
$$;

CREATE FUNCTION audit_masks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.label := left(audit_masked(NEW.label), 200);
    IF NEW.changes::text ~ '{ANY}' THEN
        NEW.changes := (SELECT coalesce(jsonb_object_agg(field, audit_masked_pair(pair)), '{{}}')
                        FROM jsonb_each(NEW.changes) each(field, pair));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_masks BEFORE INSERT OR UPDATE ON prompts_auditentry FOR EACH ROW EXECUTE FUNCTION audit_masks();

-- What was written before: every row passes the trigger once.
ALTER TABLE prompts_auditentry DISABLE TRIGGER audit_stays;
UPDATE prompts_auditentry SET label = label;
ALTER TABLE prompts_auditentry ENABLE TRIGGER audit_stays;
"""
UNDONE = """
DROP TRIGGER audit_masks ON prompts_auditentry;
DROP FUNCTION audit_masks(), audit_masked_pair(jsonb), audit_masked(jsonb), audit_masked(text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ("prompts", "0017_run_threshold"),
    ]

    operations = [migrations.RunSQL(FUNCTIONS, UNDONE)]
