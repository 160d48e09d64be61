"""Ends the time for which conversations were put aside. Called by tasks."""

from django.utils import timezone

from chat import push
from chat.models import Conversation

WOKEN_AT_ONCE = 200


def wake_due() -> int:
    """Wakes whatever its agent put aside until now; how many. Safe to run beside itself."""
    due = Conversation.objects.filter(snoozed=True, snoozed_until__lte=timezone.now())
    woken = 0
    for conversation in due.order_by("snoozed_until")[:WOKEN_AT_ONCE]:
        mine = Conversation.objects.filter(
            pk=conversation.pk, snoozed=True, snoozed_until=conversation.snoozed_until
        )
        if mine.update(snoozed=False, snoozed_until=None):
            woken += 1
            push.frames(conversation)
    return woken
