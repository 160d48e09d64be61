"""Who has read how far. Marks move forward only. Called by consumers."""

from chat import protocol, push
from chat.models import Conversation, Visitor


def mark_read(visitor: Visitor, *, seq: int) -> None:
    """The visitor has read up to `seq`; the other tabs are told."""
    latest = Conversation.objects.filter(visitor=visitor).order_by("-created_at").first()
    if latest is None or not latest.read_seq < seq <= latest.last_seq:
        return
    moved = Conversation.objects.filter(pk=latest.pk, read_seq__lt=seq).update(read_seq=seq)
    if moved:
        push.frames(latest, protocol.read("visitor", seq))
