"""The agent API: the REST twins of the console's socket."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status

from chat import board, desk, protocol, search, transcript
from chat.actions import agent as agent_actions
from chat.actions import assisting, attending, canned, mentioning, sorting, supervisor
from chat.api.callers import AgentAuth, staff
from chat.api.shapes import (
    CannedIn,
    GradeIn,
    HandBackIn,
    IntakeIn,
    MessageIn,
    PostedOut,
    PresenceIn,
    ReassignIn,
    ReplyIn,
    ResolveIn,
    SnoozeIn,
    SuggestIn,
    TagsIn,
    TransferIn,
)
from chat.models import Agent, Conversation, Team
from chat.protocol import ProtocolError
from chat.states import Grade, Help, Presence

agent = Router(tags=["agent"], auth=AgentAuth())


@agent.post("/conversations/{conversation_id}/claim")
def claim(request: HttpRequest, conversation_id: UUID) -> dict[str, Any]:
    """Takes a conversation over; 409 names the agent who was faster."""
    return described(agent_actions.claim(conversation_id, agent=staff(request)))


@agent.post("/conversations/{conversation_id}/reply", response={202: PostedOut})
def reply(request: HttpRequest, conversation_id: UUID, body: ReplyIn) -> Status[PostedOut]:
    """Sends an agent's line; 409 when `epoch` is no longer the conversation's."""
    message = agent_actions.reply(
        conversation_id,
        agent=staff(request),
        client_id=body.client_id,
        text=protocol.check_text(body.text),
        epoch=body.epoch,
    )
    return Status(202, PostedOut(seq=message.seq, turn_id=None))


@agent.post("/conversations/{conversation_id}/hand_back")
def hand_back(
    request: HttpRequest, conversation_id: UUID, body: HandBackIn | None = None
) -> dict[str, Any]:
    """Gives a conversation back to the bot."""
    note = body.note if body else ""
    return described(agent_actions.hand_back(conversation_id, agent=staff(request), text=note))


@agent.post("/conversations/{conversation_id}/resolve")
def resolve(
    request: HttpRequest, conversation_id: UUID, body: ResolveIn | None = None
) -> dict[str, Any]:
    """Ends a conversation."""
    how = body or ResolveIn()
    return described(
        agent_actions.resolve(
            conversation_id, agent=staff(request), summary=how.summary, tags=how.tags
        )
    )


@agent.post("/conversations/{conversation_id}/note", response={202: dict[str, Any]})
def note(request: HttpRequest, conversation_id: UUID, body: MessageIn) -> Status[dict[str, Any]]:
    """Keeps a line that only agents see."""
    text = protocol.check_text(body.text)
    member, client_id = staff(request), body.client_id
    written = agent_actions.note(conversation_id, agent=member, client_id=client_id, text=text)
    return Status(202, desk.as_note(written))


@agent.get("/mentions")
def list_mentions(request: HttpRequest) -> list[dict[str, Any]]:
    """Notes that call oneself and were not read, the latest first."""
    return desk.mentions(staff(request))


@agent.post("/conversations/{conversation_id}/mentions/read", response={204: None})
def read_mentions(request: HttpRequest, conversation_id: UUID) -> Status[None]:
    """Says that the notes of a conversation that call oneself were read."""
    mentioning.read(conversation_id, agent=staff(request))
    return Status(204, None)


@agent.post("/conversations/{conversation_id}/transfer")
def transfer(request: HttpRequest, conversation_id: UUID, body: TransferIn) -> dict[str, Any]:
    """Passes a conversation to another agent, or to a team, by id."""
    member, text = staff(request), body.note
    if body.team is not None and body.to is None:
        team = Team.objects.get(pk=body.team)
        moved = agent_actions.transfer_to_team(conversation_id, agent=member, team=team, text=text)
        return described(moved)
    if body.to is None or body.team is not None:
        raise ProtocolError("invalid_frame")
    to = Agent.objects.get(pk=body.to, user__is_active=True, user__is_staff=True)
    return described(agent_actions.transfer(conversation_id, agent=member, to=to, text=text))


@agent.put("/conversations/{conversation_id}/tags")
def set_tags(request: HttpRequest, conversation_id: UUID, body: TagsIn) -> dict[str, Any]:
    """Names a conversation, resolved or not, by these tags."""
    return {"tags": sorting.set_tags(conversation_id, tags=body.tags).tags}


@agent.post("/conversations/{conversation_id}/snooze")
def snooze(request: HttpRequest, conversation_id: UUID, body: SnoozeIn) -> dict[str, Any]:
    """Puts one's conversation aside until then or until its visitor writes; without a time, only for that."""
    return described(sorting.snooze(conversation_id, agent=staff(request), until=body.until))


@agent.post("/conversations/{conversation_id}/wake")
def wake(request: HttpRequest, conversation_id: UUID) -> dict[str, Any]:
    """Takes up again what was put aside."""
    return described(sorting.wake(conversation_id, agent=staff(request)))


@agent.get("/search")
def find(
    request: HttpRequest, q: Annotated[protocol.Words, Query(min_length=1, max_length=100)]
) -> dict[str, Any]:
    """Conversations with every word, number and #tag of `q`, the latest first."""
    return search.find(q, agent=staff(request))


@agent.get("/board")
def read_board(request: HttpRequest) -> dict[str, Any]:
    """The queue, the agents with what they have in hand, and their day. For supervisors."""
    member = staff(request)
    supervisor.check(member)
    return board.read(member)


@agent.post("/conversations/{conversation_id}/barge")
def barge(request: HttpRequest, conversation_id: UUID) -> dict[str, Any]:
    """Takes a conversation over from whoever has it. For supervisors."""
    return described(supervisor.barge(conversation_id, agent=staff(request)))


@agent.post("/conversations/{conversation_id}/reassign")
def reassign(request: HttpRequest, conversation_id: UUID, body: ReassignIn) -> dict[str, Any]:
    """Gives a conversation to an agent, whoever has it. For supervisors."""
    to = Agent.objects.get(pk=body.to, user__is_active=True, user__is_staff=True)
    return described(supervisor.reassign(conversation_id, agent=staff(request), to=to))


@agent.post("/intake")
def pause_intake(request: HttpRequest, body: IntakeIn) -> dict[str, Any]:
    """Closes the queue to new customers, or opens it. For supervisors."""
    supervisor.pause(agent=staff(request), paused=body.paused)
    return {"paused": body.paused}


@agent.post("/conversations/{conversation_id}/suggest", response={202: dict[str, Any]})
def suggest(request: HttpRequest, conversation_id: UUID, body: SuggestIn) -> Status[dict[str, Any]]:
    """Has a model write a draft, a summary, or the given text anew; look for it at `suggestions/<id>`."""
    if not protocol.suits(body.kind, body.text, body.style):
        raise ProtocolError("invalid_frame")
    row = assisting.suggest(
        conversation_id,
        agent=staff(request),
        client_id=body.client_id,
        kind=Help(body.kind),
        style=body.style or "",
        text=protocol.check_text(body.text) if body.text else "",
        language=body.language,
    )
    return Status(202, assisting.shown(row))


@agent.post("/conversations/{conversation_id}/translate")
def translate(
    request: HttpRequest, conversation_id: UUID, language: Literal["zh", "en"] = "zh"
) -> dict[str, Any]:
    """The translations there are of a thread's newest lines; `pending` when more are being made."""
    lines, pending = assisting.translate(conversation_id, agent=staff(request), language=language)
    return {"lines": lines, "pending": pending}


@agent.get("/suggestions/{pk}")
def read_suggestion(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    """How far one of one's own suggestions is."""
    return assisting.shown(assisting.find(pk, agent=staff(request)))


@agent.delete("/suggestions/{pk}", response={204: None})
def cancel_suggestion(request: HttpRequest, pk: UUID) -> Status[None]:
    """Stops it; nothing when it has ended."""
    assisting.cancel(assisting.find(pk, agent=staff(request)).pk, agent=staff(request))
    return Status(204, None)


@agent.put("/conversations/{conversation_id}/brief/grade")
def grade_brief(request: HttpRequest, conversation_id: UUID, body: GradeIn) -> dict[str, Any]:
    """Says how good the brief of the last hand-over was; null takes it back."""
    row = assisting.grade(
        conversation_id,
        agent=staff(request),
        grade=Grade(body.grade or ""),
        word=body.word,
        epoch=body.epoch,
    )
    return {"epoch": row.epoch, "grade": row.grade or None}


@agent.get("/briefs/grades")
def read_grades(
    request: HttpRequest, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> list[dict[str, Any]]:
    """How the briefs of the last days were graded, by who wrote them. For supervisors."""
    member = staff(request)
    supervisor.check(member)
    return board.graded(days=days, reader=member)


@agent.get("/canned")
def list_canned(request: HttpRequest) -> list[dict[str, Any]]:
    """The replies kept ready: one's own, one's teams' and everybody's."""
    return canned.listed(staff(request))


@agent.post("/canned", response={201: dict[str, Any]})
def add_canned(request: HttpRequest, body: CannedIn) -> Status[dict[str, Any]]:
    """Keeps a reply of one's own ready."""
    return Status(201, canned.save(staff(request), pk=None, **body.model_dump()))


@agent.put("/canned/{pk}")
def change_canned(request: HttpRequest, pk: int, body: CannedIn) -> dict[str, Any]:
    """Changes a reply of one's own."""
    return canned.save(staff(request), pk=pk, **body.model_dump())


@agent.delete("/canned/{pk}", response={204: None})
def remove_canned(request: HttpRequest, pk: int) -> Status[None]:
    """Removes a reply of one's own."""
    canned.remove(staff(request), pk=pk)
    return Status(204, None)


@agent.get("/conversations/{conversation_id}")
def read_thread(
    request: HttpRequest, conversation_id: UUID, after_seq: int = 0, lang: str = "zh"
) -> dict[str, Any]:
    """A conversation with its notes, context and brief; personal data as placeholders."""
    language = "en" if lang.startswith("en") else "zh"
    return desk.thread(conversation_id, after_seq=max(0, after_seq), language=language)


@agent.get("/queue")
def read_queue(request: HttpRequest) -> list[dict[str, Any]]:
    """Who waits for a person, whose turn it is first."""
    return desk.queue(staff(request))


@agent.get("/conversations")
def list_conversations(request: HttpRequest) -> list[dict[str, Any]]:
    """The open conversations, the latest first."""
    return desk.listed(staff(request))


@agent.post("/presence")
def set_presence(request: HttpRequest, body: PresenceIn) -> dict[str, Any]:
    """Says whether one takes conversations."""
    member = staff(request)
    attending.set_presence(member, Presence(body.status))
    return {"agent": desk.agent_fields(member)}


def described(conversation: Conversation) -> dict[str, Any]:
    return {
        "conversation_id": str(conversation.pk),
        "epoch": conversation.epoch,
        "seq": conversation.last_seq,
        **transcript.state_fields(conversation),
    }
