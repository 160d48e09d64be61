"""Frames that are one action and no answer of their own: what they change is pushed to whom it concerns."""

from chat import protocol
from chat.actions import ending, reading, telling
from chat.actions import visitor as actions
from chat.models import Visitor

SimpleFrame = (
    protocol.HumanRequest
    | protocol.HumanCancel
    | protocol.Feedback
    | protocol.Rate
    | protocol.Read
    | protocol.ContextSet
    | protocol.FormSend
    | protocol.ConversationEnd
)


def act(visitor: Visitor, frame: SimpleFrame) -> None:
    """Does what the frame asks for. Raises ProtocolError."""
    match frame:
        case protocol.HumanRequest():
            actions.request_human(visitor)
        case protocol.HumanCancel():
            ending.leave_queue(visitor)
        case protocol.Feedback():
            actions.give_feedback(visitor, frame)
        case protocol.Rate():
            actions.rate(visitor, frame)
        case protocol.Read():
            reading.mark_read(visitor, seq=frame.seq)
        case protocol.ContextSet():
            telling.set_context(visitor, frame)
        case protocol.FormSend():
            telling.fill_form(visitor, frame.answers)
        case protocol.ConversationEnd():
            ending.end(visitor)
