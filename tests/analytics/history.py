"""A small, irregular history for the tests of figures: every kind of ending, late facts, breaks, moods, costs."""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from chat.models import Agent, Conversation, Escalation, Inbox, Message, Rating, Turn
from prompts.models import ModelCall
from tests.factories import AgentFactory, InboxFactory, VisitorFactory

INTENTS = ("refund", "logistics", "greeting", "invoice")
MOODS = ("negative", "neutral", "positive")
ENDPOINTS = ("light", "strong")


class Writer:
    """Writes conversations as actions and turns would have left them, at moments of the caller's choice."""

    def __init__(self, seed: int = 7) -> None:
        self.rng = random.Random(seed)
        self.inboxes: list[Inbox] = [InboxFactory.create(), InboxFactory.create()]
        self.agents: list[Agent] = [AgentFactory.create(), AgentFactory.create()]

    def conversation(self, at: datetime, **fields: Any) -> Conversation:
        """One of a random kind that begins at `at`."""
        rng = self.rng
        visitor = VisitorFactory.create(
            inbox=rng.choice(self.inboxes), tier=rng.choice(["standard", "vip"])
        )
        conversation = Conversation.objects.create(
            visitor=fields.pop("visitor", visitor),
            inbox=visitor.inbox,
            created_at=at,
            last_activity_at=at,
            tags=rng.sample(["物流", "退款"], rng.randrange(3)),
            **fields,
        )
        self.at = at
        for _ in range(rng.randrange(1, 6)):
            self.exchange(conversation)
        if rng.random() < 0.6:
            self.escalate(conversation)
        if rng.random() < 0.5:
            self.resolve(conversation)
        if rng.random() < 0.5:
            self.rate(conversation)
        return conversation

    def line(self, conversation: Conversation, role: str, text: str, **fields: Any) -> Message:
        self.at += timedelta(seconds=self.rng.randrange(1, 90))
        conversation.last_seq += 1
        conversation.last_activity_at = self.at
        conversation.save(update_fields=["last_seq", "last_activity_at"])
        return Message.objects.create(
            conversation=conversation,
            seq=conversation.last_seq,
            role=role,
            text=text,
            at=self.at,
            **fields,
        )

    def exchange(self, conversation: Conversation) -> None:
        """The visitor asks, the bot answers; now and then after a break, or not at all."""
        rng = self.rng
        if rng.random() < 0.15:
            self.at += timedelta(minutes=rng.choice([29, 45, 300]))
        asked = self.line(conversation, "visitor", rng.choice(["退款 <PHONE_1>", "在吗", "a <b"]))
        turn = self.turn(conversation, asked.seq)
        if turn.state != "done":
            return
        meta: dict[str, Any] = {
            "citations": [{"sop": key} for key in rng.sample(["late", "refund"], rng.randrange(3))],
            "release": turn.decision.get("release", ""),
        }
        if rng.random() < 0.2:
            meta["unanswered"] = True
        if rng.random() < 0.2:
            meta["feedback"] = rng.choice(["up", "down"])
        self.line(conversation, "bot", "好的", turn=turn, meta=meta)

    def turn(self, conversation: Conversation, seq: int) -> Turn:
        rng = self.rng
        endpoint = rng.choice(ENDPOINTS)
        decision = {
            "analysis": {
                "intents": [[rng.choice(INTENTS), 0.9]] if rng.random() < 0.9 else [],
                "emotion": [rng.choice(MOODS), 0.8],
            },
            "answered_by": rng.choice([endpoint, endpoint, "sop"]),
            "cause": rng.choice(["quality_cheapest", "sticky"]),
            "est_saving": rng.choice([0.0, 0.0013, -0.0002]),
            "release": rng.choice(["", "spring"]),
            **({"hidden": {"PHONE": 2}} if rng.random() < 0.2 else {}),
        }
        turn = Turn.objects.create(
            id=uuid.UUID(int=rng.getrandbits(128), version=4),
            conversation=conversation,
            first_seq=seq,
            last_seq=seq,
            epoch=conversation.epoch,
            state=rng.choices(["done", "failed", "superseded"], [8, 1, 1])[0],
            queued_at=self.at,
            finished_at=self.at + timedelta(milliseconds=rng.randrange(200, 9000)),
            decision=decision,
            rendering={"soothes": True} if rng.random() < 0.5 else {},
        )
        came_of_it = {
            "canary": rng.choice(["", "try"]),
            "taken_over": rng.random() < 0.2,
            "feedback": rng.choice(["", "", "down"]),
        }
        for attempt in range(rng.choice([0, 1, 1, 2])):
            self.call(turn, endpoint, failed=attempt == 0 and rng.random() < 0.3, **came_of_it)
        return turn

    def call(self, turn: Turn, endpoint: str, *, failed: bool, **came_of_it: Any) -> None:
        rng = self.rng
        ModelCall.objects.create(
            trace_id=str(turn.pk),
            purpose=rng.choice(["answer", "answer", "understand"]),
            inbox=turn.conversation.inbox.key,
            endpoint="light" if failed else endpoint,
            error_class="timeout" if failed else "",
            first_token_ms=None if failed else rng.lognormvariate(6, 0.5),
            total_ms=rng.lognormvariate(7, 0.5),
            input_tokens=rng.randrange(2000),
            output_tokens=rng.randrange(300),
            cost=rng.randrange(1, 90000) / 1e7,
            currency=rng.choice(["CNY", "USD"]),
            decision={"plan": ["light", "strong"], "cause": "quality_cheapest"},
            intent=turn.decision["analysis"]["intents"][0][0]
            if turn.decision["analysis"]["intents"]
            else "",
            emotion=turn.decision["analysis"]["emotion"][0],
            release=turn.decision["release"],
            at=self.at,
            **came_of_it,
        )

    def escalate(self, conversation: Conversation) -> None:
        rng = self.rng
        opened_at = self.at
        self.at += timedelta(seconds=rng.randrange(1, 200))
        end = rng.choice(["claimed", "claimed", "left", "resolved", ""])
        agent = rng.choice(self.agents)
        Escalation.objects.create(
            conversation=conversation,
            opened_at=opened_at,
            reasons=[
                {"code": code, "points": 1.0} for code in rng.sample(["asked", "furious", "vip"], 2)
            ],
            ended_at=self.at if end else None,
            end=end,
            agent=agent if end == "claimed" else None,
        )
        if end != "claimed":
            return
        conversation.agent = agent
        conversation.save(update_fields=["agent"])
        for _ in range(rng.choice([0, 1, 1, 2])):
            self.line(conversation, "agent", "您好", author={"name": agent.name})
            self.at += timedelta(seconds=rng.choice([5, 170]))
            self.line(conversation, "visitor", "嗯")
            self.line(conversation, "agent", "好", author={"name": agent.name})

    def resolve(self, conversation: Conversation) -> None:
        self.line(conversation, "system", "会话已结束")
        conversation.resolved_at = self.at
        conversation.save(update_fields=["resolved_at"])

    def rate(self, conversation: Conversation) -> None:
        rng = self.rng
        Rating.objects.update_or_create(
            conversation=conversation,
            defaults={
                "score": rng.randrange(1, 6),
                "resolved": rng.random() < 0.6,
                "tags": rng.sample(["快", "=1+1"], rng.randrange(3)),
                "at": self.at,
            },
        )
