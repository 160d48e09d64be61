"""The made-up past: the same seed, the same stories; about as many lines as asked; rows that hold together."""

import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from analytics import history, rollups
from analytics.history import Shop
from analytics.models import Outcome
from chat.models import Conversation, Message
from tests.factories import ConversationFactory

SHOP = Shop(1, "one", 1.0, [1, 2], ["a", "b"])
UNTIL = datetime(2026, 11, 20, tzinfo=UTC)


def test_the_same_seed_tells_the_same_stories() -> None:
    one, two, other = (
        [*history.tell([SHOP], messages=3000, days=10, until=UNTIL, seed=seed)]
        for seed in (1, 1, 2)
    )

    assert one == two
    assert one != other
    assert sum(len(story.lines) for story in one) == pytest.approx(3000, rel=0.15)
    assert all(story.lines[0].role == "visitor" for story in one)
    assert all(
        earlier.at <= later.at
        for story in one
        for earlier, later in zip(story.lines, story.lines[1:], strict=False)
    )


@pytest.mark.django_db
def test_stories_become_rows_that_can_be_counted() -> None:
    call_command("generate_history", messages=1500, days=5, stdout=io.StringIO())
    while not rollups.tick(seconds=5):
        pass

    assert Message.objects.count() == pytest.approx(1500, rel=0.2)
    kinds = Counter(Outcome.objects.values_list("kind", flat=True))
    assert sum(kinds.values()) == Conversation.objects.count()
    assert {"bot", "agent", "unresolved"} <= kinds.keys()


@pytest.mark.django_db
def test_it_is_not_mixed_with_other_conversations_by_accident() -> None:
    ConversationFactory.create()

    with pytest.raises(CommandError, match="--mix"):
        call_command("generate_history", messages=10)
