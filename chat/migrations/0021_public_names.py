"""What customers read of an agent: a name that staff chose, else first and last name; never the name of the login."""

from django.db import migrations, models

NAME_CHARS = 100


def take_over(apps, schema_editor):
    agents = apps.get_model("chat", "Agent").objects.select_related("user")
    for agent in agents.iterator():
        user = agent.user
        chosen = agent.name != user.username
        agent.public_name = agent.name if chosen else full_name(user)[:NAME_CHARS]
        agent.save(update_fields=["public_name"])


def full_name(user):
    first, last = user.first_name.strip(), user.last_name.strip()
    if any("\u4e00" <= sign <= "\u9fff" for sign in first + last):
        return last + first
    return f"{first} {last}".strip()


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0020_with_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="public_name",
            field=models.CharField(
                blank=True,
                help_text="What customers read; empty: customer service. Never the login",
                max_length=100,
            ),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
