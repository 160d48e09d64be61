"""Who may see which figures: with the right to view outcomes those of the own inboxes, with another one all of them."""

from typing import Any

from analytics.models import InboxAccess

VIEW = "analytics.view_outcome"
VIEW_LOAD_TESTS = "analytics.view_loadtest"
VIEW_ALL = "analytics.view_all_inboxes"


def inboxes_of(user: Any) -> tuple[int, ...] | None:
    """The inboxes whose figures a member of staff may see; None: every inbox, and what belongs to none."""
    if user.has_perm(VIEW_ALL):
        return None
    granted = InboxAccess.objects.filter(user=user).values_list("inbox_id", flat=True)
    return tuple(sorted(granted))


def may_view(user: Any) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm(VIEW))


def may_view_load_tests(user: Any) -> bool:
    """They are of the whole platform, so no inbox is enough to see them."""
    return may_view(user) and bool(user.has_perm(VIEW_LOAD_TESTS))
