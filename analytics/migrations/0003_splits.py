from django.db import migrations, models

# Days are added up again from their hours, which stay.
AGAIN = """
INSERT INTO analytics_dirty (grain, start, marks)
SELECT DISTINCT 'day', start, 1 FROM analytics_dailycount ON CONFLICT (grain, start) DO NOTHING;
DELETE FROM analytics_dailycount;
DELETE FROM analytics_dailysketch;
"""
PLACE = ["family", "split", "start", "inbox_id", "channel", "tier", "intent", "release", "model", "label"]


class Migration(migrations.Migration):

    dependencies = [("analytics", "0002_late_facts")]

    operations = [
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="dailycount", name="daily_count_once"),
        migrations.AddField(
            model_name="dailycount",
            name="split",
            field=models.PositiveSmallIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="dailycount",
            constraint=models.UniqueConstraint(fields=PLACE, name="daily_count_once"),
        ),
    ]
