"""What an agent's frame does, by its type, and what `ok` then says of it. Called by the agent's consumer."""

from collections.abc import Callable
from typing import Any

from chat import assigning, board, protocol, serving
from chat.actions import agent as actions
from chat.actions import assisting, canned, mentioning, sorting, supervisor
from chat.models import Agent, Conversation, Team
from chat.protocol import ProtocolError
from chat.states import Grade, Help

Act = Callable[[Agent, Any], dict[str, Any]]


def perform(agent: Agent, frame: Any) -> dict[str, Any]:
    """Does what the frame asks for. Raises Conflict, DoesNotExist, ProtocolError."""
    if isinstance(frame, protocol.OfConversation):
        serving.check(agent, frame.conversation_id)
    return ACTS[type(frame)](agent, frame)


def owned(conversation: Conversation) -> dict[str, Any]:
    return {"conversation_id": str(conversation.pk), "epoch": conversation.epoch}


def claim(agent: Agent, frame: protocol.Claim) -> dict[str, Any]:
    return owned(actions.claim(frame.conversation_id, agent=agent))


def hand_back(agent: Agent, frame: protocol.HandBack) -> dict[str, Any]:
    return owned(actions.hand_back(frame.conversation_id, agent=agent, text=frame.note))


def resolve(agent: Agent, frame: protocol.Resolve) -> dict[str, Any]:
    pk, summary, tags = frame.conversation_id, frame.summary, frame.tags
    return owned(actions.resolve(pk, agent=agent, summary=summary, tags=tags))


def transfer(agent: Agent, frame: protocol.Transfer) -> dict[str, Any]:
    pk = frame.conversation_id
    if frame.team is not None and frame.to is None:
        team = Team.objects.get(pk=frame.team)
        return owned(actions.transfer_to_team(pk, agent=agent, team=team, text=frame.note))
    if frame.to is None or frame.team is not None:
        raise ProtocolError("invalid_frame")
    to = Agent.objects.get(pk=frame.to, user__is_active=True, user__is_staff=True)
    return owned(actions.transfer(pk, agent=agent, to=to, text=frame.note))


def decline(agent: Agent, frame: protocol.RingDecline) -> dict[str, Any]:
    assigning.decline(frame.conversation_id, agent=agent)
    return {"conversation_id": str(frame.conversation_id)}


def note(agent: Agent, frame: protocol.NoteFrame) -> dict[str, Any]:
    pk = frame.conversation_id
    actions.note(pk, agent=agent, client_id=frame.client_id, text=frame.text)
    return {"conversation_id": str(pk), "client_id": str(frame.client_id)}


def reply(agent: Agent, frame: protocol.Reply) -> dict[str, Any]:
    pk = frame.conversation_id
    line = actions.reply(
        pk, agent=agent, client_id=frame.client_id, text=frame.text, epoch=frame.epoch
    )
    return {"conversation_id": str(pk), "client_id": str(frame.client_id), "seq": line.seq}


def set_tags(agent: Agent, frame: protocol.TagsSet) -> dict[str, Any]:
    return owned(sorting.set_tags(frame.conversation_id, tags=frame.tags))


def snooze(agent: Agent, frame: protocol.Snooze) -> dict[str, Any]:
    return owned(sorting.snooze(frame.conversation_id, agent=agent, until=frame.until))


def wake(agent: Agent, frame: protocol.Wake) -> dict[str, Any]:
    return owned(sorting.wake(frame.conversation_id, agent=agent))


def list_canned(agent: Agent, frame: protocol.CannedList) -> dict[str, Any]:
    return {"replies": canned.listed(agent)}


def save_canned(agent: Agent, frame: protocol.CannedSave) -> dict[str, Any]:
    said = {"folder": frame.folder, "title": frame.title, "text": frame.text}
    canned.save(agent, pk=frame.id, **said)
    return {"replies": canned.listed(agent)}


def remove_canned(agent: Agent, frame: protocol.CannedRemove) -> dict[str, Any]:
    canned.remove(agent, pk=frame.id)
    return {"replies": canned.listed(agent)}


def suggest(agent: Agent, frame: protocol.Suggest) -> dict[str, Any]:
    row = assisting.suggest(
        frame.conversation_id,
        agent=agent,
        client_id=frame.client_id,
        kind=Help(frame.kind),
        style=frame.style or "",
        text=frame.text,
        language=frame.language,
    )
    pk, told = str(frame.conversation_id), {"suggestion_id": str(row.pk), "state": row.state}
    return {"conversation_id": pk, "client_id": str(frame.client_id), **told}


def cancel(agent: Agent, frame: protocol.SuggestCancel) -> dict[str, Any]:
    assisting.cancel(frame.suggestion_id, agent=agent)
    return {"suggestion_id": str(frame.suggestion_id)}


def translate(agent: Agent, frame: protocol.Translate) -> dict[str, Any]:
    pk, language = frame.conversation_id, frame.language
    lines, pending = assisting.translate(pk, agent=agent, language=language)
    return {"conversation_id": str(pk), "language": language, "lines": lines, "pending": pending}


def grade(agent: Agent, frame: protocol.BriefGrade) -> dict[str, Any]:
    pk = frame.conversation_id
    given = Grade(frame.grade or "")
    assisting.grade(pk, agent=agent, grade=given, word=frame.word, epoch=frame.epoch)
    return {"conversation_id": str(pk)}


def read_mentions(agent: Agent, frame: protocol.MentionsRead) -> dict[str, Any]:
    mentioning.read(frame.conversation_id, agent=agent)
    return {"conversation_id": str(frame.conversation_id)}


def show_board(agent: Agent, frame: protocol.BoardGet) -> dict[str, Any]:
    supervisor.check(agent)
    return {"board": board.read(agent)}


def barge(agent: Agent, frame: protocol.Barge) -> dict[str, Any]:
    return owned(supervisor.barge(frame.conversation_id, agent=agent))


def reassign(agent: Agent, frame: protocol.Reassign) -> dict[str, Any]:
    to = Agent.objects.get(pk=frame.to, user__is_active=True, user__is_staff=True)
    return owned(supervisor.reassign(frame.conversation_id, agent=agent, to=to))


def whisper(agent: Agent, frame: protocol.Whisper) -> dict[str, Any]:
    pk, client_id = frame.conversation_id, frame.client_id
    supervisor.whisper(pk, agent=agent, client_id=client_id, text=frame.text)
    return {"conversation_id": str(pk), "client_id": str(client_id)}


def pause_intake(agent: Agent, frame: protocol.IntakePause) -> dict[str, Any]:
    supervisor.pause(agent=agent, paused=frame.paused)
    return {"board": board.read(agent)}


ACTS: dict[type[protocol.Frame], Act] = {
    protocol.Claim: claim,
    protocol.HandBack: hand_back,
    protocol.Resolve: resolve,
    protocol.Transfer: transfer,
    protocol.BoardGet: show_board,
    protocol.Barge: barge,
    protocol.Reassign: reassign,
    protocol.Whisper: whisper,
    protocol.IntakePause: pause_intake,
    protocol.RingDecline: decline,
    protocol.NoteFrame: note,
    protocol.Reply: reply,
    protocol.TagsSet: set_tags,
    protocol.Snooze: snooze,
    protocol.Wake: wake,
    protocol.CannedList: list_canned,
    protocol.CannedSave: save_canned,
    protocol.CannedRemove: remove_canned,
    protocol.Suggest: suggest,
    protocol.SuggestCancel: cancel,
    protocol.BriefGrade: grade,
    protocol.Translate: translate,
    protocol.MentionsRead: read_mentions,
}
