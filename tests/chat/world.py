"""One visitor's thread on real rows, beside a model of what must be there. Driven by test_invariants.

Each act does the thing and notes what it did; `violations` then compares rows and notes. It asserts nothing.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.db.models.functions import Now

from chat import lease, tasks, turn
from chat.actions import agent as agent_actions
from chat.actions import visitor as actions
from chat.memory import Dialogue
from chat.models import Agent, Conversation, Message, Turn, Visitor
from chat.protocol import ProtocolError
from chat.states import (
    TURN_OPEN,
    IllegalMove,
    Owner,
    Role,
    TurnState,
    check_owner_move,
    check_turn_move,
)

Line = tuple[int, str, str, int]  # seq, role, text, epoch
ANSWERED = (TurnState.DONE, TurnState.FAILED)


HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reign:
    """Who owns the conversation from a line on, and under which epoch."""

    from_seq: int
    epoch: int
    owner: Owner


@dataclass(frozen=True, slots=True)
class Rows:
    """What the database holds of the open conversation, as named tuples: they are read after every act."""

    conversation: Any
    messages: list[Any]
    turns: list[Any]

    def lines(self) -> list[Line]:
        return [(m.seq, m.role, m.text, m.epoch) for m in self.messages]

    def open_turns(self) -> list[Any]:
        return [t for t in self.turns if t.state in TURN_OPEN]


class World:
    """A visitor, an agent, and every worker that ever claimed a turn between them."""

    def __init__(self, visitor: Visitor, agent: Agent) -> None:
        self.visitor, self.agent = visitor, agent
        self.acked: dict[UUID, tuple[str, actions.Posted]] = {}
        self.surprises: list[str] = []
        self.closed: dict[UUID, list[Line]] = {}
        self.begin(actions.enter(visitor).pk)

    def begin(self, conversation_id: UUID) -> None:
        self.conversation_id = conversation_id
        self.reigns = [Reign(1, 0, Owner.BOT)]
        self.resolved = False
        # The worker and attempt a turn belongs to, and the turns whose lease ran out.
        self.holders: dict[UUID, tuple[str, int]] = {}
        self.expired: set[UUID] = set()
        self.seen: list[Line] = []
        self.turn_states: dict[UUID, TurnState] = {}

    @property
    def reign(self) -> Reign:
        return self.reigns[-1]

    def rows(self) -> Rows:
        conversation = Conversation.objects.values_list("owner", "epoch", "last_seq", named=True)
        messages = Message.objects.filter(conversation=self.conversation_id).order_by("seq")
        named = messages.values_list("seq", "role", "text", "epoch", "turn_id", named=True)
        return Rows(conversation.get(pk=self.conversation_id), list(named), self.turns())

    def turns(self) -> list[Any]:
        """The turns of the open conversation, oldest first."""
        found = Turn.objects.filter(conversation=self.conversation_id).order_by("queued_at")
        fields = ("pk", "state", "epoch", "attempt", "first_seq", "last_seq")
        return list(found.values_list(*fields, named=True))

    def open_turns(self) -> list[Any]:
        return [t for t in self.turns() if t.state in TURN_OPEN]

    def newest_turn(self) -> UUID:
        newest: UUID = self.turns()[-1].pk
        return newest

    def expect(self, kept: bool, surprise: str) -> None:
        if not kept:
            self.surprises.append(surprise)

    # --- the visitor -----------------------------------------------------------------------------

    def post(self, text: str) -> UUID:
        client_id = uuid.uuid4()
        posted = actions.post_message(self.visitor, client_id=client_id, text=text, address=HERE)
        self.acked[client_id] = (text, posted)
        moved = posted.conversation_id != self.conversation_id
        self.expect(moved == self.resolved, "a line went to the wrong conversation")
        if moved:
            self.begin(posted.conversation_id)
        waits = self.reign.owner is Owner.BOT
        self.expect((posted.turn_id is not None) == waits, "a turn where none belongs, or none")
        return client_id

    def resend(self, client_id: UUID) -> None:
        text, posted = self.acked[client_id]
        try:
            again = actions.post_message(self.visitor, client_id=client_id, text=text, address=HERE)
        except IntegrityError:
            self.surprises.append("a line sent again was refused")
            return
        self.expect(again == posted, "a line sent again was acked differently")

    def post_conflicting(self, client_id: UUID) -> None:
        text, _ = self.acked[client_id]
        try:
            actions.post_message(self.visitor, client_id=client_id, text=text + "!", address=HERE)
        except ProtocolError as error:
            self.expect(error.code == "conflict", f"a conflicting line got {error.code}")
        else:
            self.surprises.append("a conflicting line was accepted")

    def request_human(self) -> None:
        if self.resolved:
            return
        asked = self.reign.owner is Owner.BOT
        actions.request_human(self.visitor)
        if asked:
            self.succeed(Owner.QUEUE)

    def cancel_human(self) -> None:
        if self.resolved:
            return
        waited = self.reign.owner is Owner.QUEUE
        actions.cancel_human(self.visitor)
        if waited:
            self.succeed(Owner.BOT)

    # --- the agent -------------------------------------------------------------------------------

    def take_over(self) -> None:
        if self.attempt(agent_actions.claim) and self.reign.owner is not Owner.AGENT:
            self.succeed(Owner.AGENT)

    def hand_back(self) -> None:
        if self.attempt(agent_actions.hand_back, owned=True):
            self.succeed(Owner.BOT)

    def resolve(self) -> None:
        if self.attempt(agent_actions.resolve, owned=True):
            self.resolved = True
            self.holders.clear()

    def reply(self, text: str, *, epochs_ago: int) -> None:
        owned = self.reign.owner is Owner.AGENT and not self.resolved
        try:
            agent_actions.reply(
                self.conversation_id,
                agent=self.agent,
                client_id=uuid.uuid4(),
                text=text,
                epoch=self.reign.epoch - epochs_ago,
            )
        except (agent_actions.Conflict, Conversation.DoesNotExist):
            self.expect(not owned or epochs_ago > 0, "an agent's reply was refused")
        else:
            self.expect(owned and epochs_ago == 0, "an agent replied to what it does not own")

    def attempt(self, act: Callable[..., object], *, owned: bool = False) -> bool:
        """Whether an agent's act was accepted, which it must be exactly when it may."""
        may = not self.resolved and (not owned or self.reign.owner is Owner.AGENT)
        try:
            act(self.conversation_id, agent=self.agent)
        except (agent_actions.Conflict, Conversation.DoesNotExist):
            self.expect(not may, f"{act.__name__} was refused")
            return False
        self.expect(may, f"{act.__name__} was accepted")
        return True

    def succeed(self, owner: Owner) -> None:
        """Notes the next owner. Its notice is the newest line; nothing older may commit from here on."""
        try:
            check_owner_move(self.reign.owner, owner)
        except IllegalMove as error:
            self.surprises.append(str(error))
        notices = Message.objects.filter(conversation=self.conversation_id, role=Role.SYSTEM.value)
        last = notices.order_by("-seq").first()
        self.reigns.append(Reign(last.seq if last else 0, self.reign.epoch + 1, owner))
        self.holders.clear()
        self.expired.clear()

    # --- the workers -----------------------------------------------------------------------------

    def claimable(self, turn_id: UUID) -> bool:
        turns = self.turns()
        asked = next((t for t in turns if t.pk == turn_id and t.state in TURN_OPEN), None)
        if asked is None or asked.attempt >= settings.TURN_ATTEMPTS:
            return False
        running = [t.pk for t in turns if t.state == TurnState.RUNNING]
        return turn_id in self.expired if running == [turn_id] else not running

    def claim(self, turn_id: UUID, *, worker: str) -> Turn | None:
        may = self.claimable(turn_id)
        claimed = lease.claim(turn_id, worker=worker)
        self.expect((claimed is not None) == may, "a claim that should have gone the other way")
        if claimed is not None:
            self.holders[turn_id] = (worker, claimed.attempt)
            self.expired.discard(turn_id)
        return claimed

    def claim_newest(self, *, worker: str) -> Turn:
        claimed = self.claim(self.newest_turn(), worker=worker)
        if claimed is None:
            raise LookupError("the newest turn cannot be had")
        return claimed

    def expire(self, turn_id: UUID) -> None:
        """The lease runs out: its worker died, or sleeps."""
        running = Turn.objects.filter(pk=turn_id, state=TurnState.RUNNING.value)
        if running.update(lease_until=Now() - timedelta(seconds=1)):
            self.expired.add(turn_id)

    def commit(self, claimed: Turn) -> None:
        """A worker commits its answer, in time or late."""
        outcome = turn.Outcome(text=f"answer {claimed.attempt}", dialogue=Dialogue())
        may = self.holds(claimed)
        try:
            turn.commit(claimed, outcome)
        except turn.Abandoned:
            self.expect(not may, "an answer in time was refused")
        except IntegrityError:
            self.surprises.append("only the database stopped a second answer")
        else:
            self.expect(may, "an answer was committed by a worker that had lost the turn")
            self.holders.pop(claimed.pk, None)

    def apologise(self, claimed: Turn) -> None:
        """A worker fails, in time or late."""
        may = self.holds(claimed)
        lines = Message.objects.filter(conversation=claimed.conversation_id)
        before = lines.count()
        turn.apologise(claimed)
        self.expect(lines.count() == before + may, "an apology that should have gone the other way")
        if may:
            self.holders.pop(claimed.pk)

    def holds(self, claimed: Turn) -> bool:
        held = self.holders.get(claimed.pk) == (claimed.worker, claimed.attempt)
        return held and self.reign.owner is Owner.BOT and claimed.epoch == self.reign.epoch

    def ring(self, turn_id: UUID) -> None:
        """A doorbell rings, whether or not there is anything left to do."""
        before = Turn.objects.get(pk=turn_id).state
        may = self.claimable(turn_id)
        turn.run(turn_id, worker="bell")
        after = Turn.objects.get(pk=turn_id).state
        wanted = TurnState.DONE.value if may else before
        self.expect(after == wanted, f"a doorbell left a {before} turn {after}")
        if may:
            self.holders.pop(turn_id, None)

    def sweep(self) -> None:
        """What the sweeper does, at once. It reaches every turn nobody works on, and those behind it."""
        before = self.turns()
        busy = any(t.state == TurnState.RUNNING and t.pk not in self.expired for t in before)
        mine = {t.pk for t in before}
        for turn_id in mine.intersection(lease.exhausted(limit=50)):
            turn.give_up(turn_id, worker="sweeper")
        for turn_id in mine.intersection(lease.due(older_than_seconds=0, limit=50)):
            tasks.run_turn(str(turn_id))
        left = self.open_turns()
        if busy:
            waited = [t for t in before if t.state in TURN_OPEN]
            self.expect(left == waited, "the sweeper took a turn from a worker")
        else:
            self.expect(not left, "the sweeper left a turn that nobody works on")
            self.holders.clear()

    def settle(self) -> None:
        """Every worker dies and the sweeper comes by: whoever was spoken to must have answered."""
        for running in Turn.objects.filter(
            conversation=self.conversation_id, state=TurnState.RUNNING.value
        ):
            self.expire(running.pk)
        self.sweep()

    # --- what must hold --------------------------------------------------------------------------

    def sync(self, after_seq: int) -> dict[str, Any]:
        """What a browser gets that has the lines up to `after_seq`."""
        frame = actions.ready(conversation_of(self.conversation_id), after_seq=after_seq)
        lines = self.rows().lines()
        got = [(m["seq"], m["role"], m["text"]) for m in frame["messages"]]
        self.expect(got == [line[:3] for line in lines[after_seq:]], "sync is not what was missed")
        self.expect(frame["seq"] == len(lines), "sync names the wrong seq")
        self.expect(frame["owner"] == self.reign.owner, "sync names the wrong owner")
        return frame

    def violations(self) -> list[str]:
        """Everything that is wrong by now; empty when all is well."""
        rows = self.rows()
        found = [
            *self.surprises,
            *self.acks_broken(),
            *self.seqs_broken(rows),
            *self.turns_broken(rows),
            *self.owners_broken(rows),
            *self.moves_broken(rows),
            *self.limbo(rows),
        ]
        self.seen = rows.lines()
        if self.resolved:
            self.closed[self.conversation_id] = self.seen
        return found

    def acks_broken(self) -> list[str]:
        stored: Counter[tuple[Any, ...]] = Counter(
            Message.objects.filter(visitor=self.visitor).values_list(
                "conversation_id", "client_id", "seq", "text"
            )
        )
        wanted: Counter[tuple[Any, ...]] = Counter(
            (posted.conversation_id, client_id, posted.seq, text)
            for client_id, (text, posted) in self.acked.items()
        )
        broken = [f"an acked line is stored {stored[line]} times" for line in wanted - stored]
        return broken + [f"line #{line[2]} was stored without an ack" for line in stored - wanted]

    def seqs_broken(self, rows: Rows) -> list[str]:
        seqs = [message.seq for message in rows.messages]
        wanted = list(range(1, rows.conversation.last_seq + 1))
        broken = [f"seqs are {seqs}, not {wanted}"] if seqs != wanted else []
        if rows.lines()[: len(self.seen)] != self.seen:
            broken.append("lines that were there have changed")
        for conversation_id, lines in self.closed.items():
            now = Message.objects.filter(conversation=conversation_id).order_by("seq")
            if [(m.seq, m.role, m.text, m.epoch) for m in now] != lines:
                broken.append("a resolved conversation has changed")
        return broken

    def turns_broken(self, rows: Rows) -> list[str]:
        answers = Counter(m.turn_id for m in rows.messages if m.role == Role.BOT)
        broken = [
            f"a {t.state} turn has {answers[t.pk]} answers"
            for t in rows.turns
            if answers[t.pk] != (t.state in ANSWERED)
        ]
        for state, count in Counter(t.state for t in rows.open_turns()).items():
            if count > 1:
                broken.append(f"{count} turns are {state}")
        return broken

    def owners_broken(self, rows: Rows) -> list[str]:
        """Bot and agent speak only while they own the conversation, under the epoch of that time."""
        broken = []
        for message in rows.messages:
            reign = [r for r in self.reigns if r.from_seq <= message.seq][-1]
            speaker = {Role.BOT: Owner.BOT, Role.AGENT: Owner.AGENT}.get(Role(message.role))
            if speaker is not None and (speaker, message.epoch) != (reign.owner, reign.epoch):
                broken.append(f"{message.role} line #{message.seq} while {reign.owner} owned it")
        now, reign = rows.conversation, self.reign
        if (now.owner, now.epoch) != (reign.owner, reign.epoch + self.resolved):
            broken.append(f"owned by {now.owner} at {now.epoch}, not as {reign}")
        if reign.owner is not Owner.BOT and rows.open_turns():
            broken.append("a turn is open though the bot does not own the conversation")
        return broken

    def moves_broken(self, rows: Rows) -> list[str]:
        broken = []
        for row in rows.turns:
            before, after = self.turn_states.get(row.pk), TurnState(row.state)
            self.turn_states[row.pk] = after
            try:
                # Between two looks a queued turn may have run and ended.
                if before not in {None, after, TurnState.QUEUED}:
                    check_turn_move(TurnState(str(before)), after)
            except IllegalMove as error:
                broken.append(str(error))
        return broken

    def limbo(self, rows: Rows) -> list[str]:
        """A line to the bot is answered, or a turn that is open now will answer it."""
        if self.reign.owner is not Owner.BOT or self.resolved:
            return []
        replied = max((m.seq for m in rows.messages if m.role == Role.AGENT), default=0)
        covered = {
            seq
            for t in rows.turns
            if t.state in ANSWERED or (t.state in TURN_OPEN and t.epoch == self.reign.epoch)
            for seq in range(t.first_seq, t.last_seq + 1)
        }
        waiting = [m.seq for m in rows.messages if m.role == Role.VISITOR and m.seq > replied]
        return [f"nobody will answer line #{seq}" for seq in waiting if seq not in covered]


def conversation_of(conversation_id: UUID) -> Conversation:
    return Conversation.objects.select_related("visitor", "inbox", "agent").get(pk=conversation_id)
