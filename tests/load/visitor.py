"""A visitor over docs/protocol.md §3 whose calls block, for locust's greenlets. chat.replay has the one for asyncio.

It sees what any client sees: HTTP and frames, never rows.
"""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from chat import protocol
from chat.replay.visitor import ANSWERING_ROLES, socket_url

Frame = dict[str, Any]


class LostError(Exception):
    """The visitor cannot go on; the message is one word for the table of errors."""


@dataclass(slots=True)
class Answer:
    """What came of one question; times by `time.monotonic`."""

    turn_id: str | None = None
    first_at: float | None = None
    final_at: float | None = None
    chars: int = 0
    # Empty: the bot has answered.
    error: str = ""


@dataclass(slots=True)
class Visitor:
    """One session and one socket: `enter`, `ask` in turn, `leave`."""

    url: str
    inbox: str
    http: httpx.Client
    patience_seconds: float
    state: str = ""
    _last_seq: int = 0
    _socket: ClientConnection | None = None

    def enter(self) -> None:
        """Raises LostError."""
        try:
            body = {"inbox": self.inbox, "locale": "zh-CN"}
            reply = self.http.post(f"{self.url}/api/v1/client/sessions", json=body)
            reply.raise_for_status()
            self._socket = connect(
                socket_url(self.url),
                origin=Origin(self.url),
                subprotocols=[Subprotocol(protocol.SUBPROTOCOL)],
                compression=None,
                max_size=None,
                open_timeout=self.patience_seconds,
                ping_interval=None,
                close_timeout=1,
            )
            self._emit({"type": "hello", "token": reply.json()["token"], "after_seq": 0})
            self._await_ready()
        except (httpx.HTTPError, OSError, WebSocketException, ValueError, KeyError) as error:
            self.leave()
            raise LostError(word_of(error)) from None

    def _await_ready(self) -> None:
        deadline = time.monotonic() + self.patience_seconds
        while not self.state:
            self._take(self._receive(deadline), Answer())

    def leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, text: str) -> Answer:
        """Sends a line and waits for its answer, `patience_seconds` at most. Never raises: the answer says what went wrong."""
        answer, client_id = Answer(), str(uuid.uuid4())
        deadline = time.monotonic() + self.patience_seconds
        try:
            self._emit({"type": "message.send", "client_id": client_id, "text": text})
            while not (answer.final_at or answer.error):
                frame = self._receive(deadline)
                if frame.get("client_id", client_id) == client_id:
                    self._take(frame, answer)
        except (OSError, WebSocketException, ValueError, KeyError) as error:
            answer.error = word_of(error)
        return answer

    def _emit(self, frame: Frame) -> None:
        if self._socket is None:
            raise ConnectionError("not connected")
        self._socket.send(json.dumps(frame, ensure_ascii=False))

    def _receive(self, deadline: float) -> Frame:
        """Raises TimeoutError, WebSocketException."""
        if self._socket is None:
            raise ConnectionError("not connected")
        frame: Frame = json.loads(self._socket.recv(max(0.0, deadline - time.monotonic())))
        return frame

    def _take(self, frame: Frame, answer: Answer) -> None:
        match frame["type"]:
            case "ready":
                self.state = frame["state"]
                for message in frame["messages"]:
                    self._take_message(message, answer)
                self._last_seq = max(self._last_seq, frame["seq"])
            case "message" if frame["seq"] <= self._last_seq + 1:
                self._take_message(frame, answer)
            case "message" | "heartbeat" if frame["seq"] > self._last_seq:
                self._emit({"type": "sync", "after_seq": self._last_seq})
            case "state":
                self.state = frame["state"]
            case _:
                note(frame, answer)

    def _take_message(self, message: Frame, answer: Answer) -> None:
        self._last_seq = max(self._last_seq, message["seq"])
        if answers(message, answer.turn_id) and not answer.final_at:
            answer.final_at = time.monotonic()
            answer.first_at = answer.first_at or answer.final_at
            answer.chars = len(message["text"])


def note(frame: Frame, answer: Answer) -> None:
    """What a frame says of the question that waits for its answer."""
    match frame["type"]:
        case "ack":
            answer.turn_id = frame.get("turn_id")
            if answer.turn_id is None:
                answer.error = "with_person"
        case "delta" if frame["turn_id"] == answer.turn_id:
            answer.first_at = answer.first_at or time.monotonic()
        case "turn" if frame["turn_id"] == answer.turn_id and frame["state"] == "failed":
            answer.error = "failed"
        case "error":
            answer.error = frame["code"]


def answers(message: Frame, turn_id: str | None) -> bool:
    """Whether a line is the answer to a turn: its own, or what the system or a person says instead."""
    if turn_id is None or message["role"] not in ANSWERING_ROLES:
        return False
    said_for = message.get("turn_id")
    return said_for == turn_id or (said_for is None and message["role"] != "bot")


def word_of(error: Exception) -> str:
    """One word that says what went wrong, without addresses or contents."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"http_{error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "disconnected" if isinstance(error, OSError | WebSocketException) else "unreadable"
