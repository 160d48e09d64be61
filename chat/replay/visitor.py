"""One visitor over docs/protocol.md §3: session, socket, sending, answers, reconnecting.

Used by dialogues, the bench and the fault suites. It sees what any client sees: HTTP and frames, never rows.
"""

import asyncio
import contextlib
import json
import random
import time
import uuid
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from chat import protocol
from chat.replay.outcomes import Answer, Line, Outcome

Frame = dict[str, Any]

ANSWERING_ROLES = {"bot", "agent", "system"}
FINAL_CLOSES = {
    protocol.CLOSE_INVALID,
    protocol.CLOSE_UNAUTHORIZED,
    protocol.CLOSE_ORIGIN,
}
RETRIED_ERRORS = {"rate_limited", "unavailable"}
RECONNECT_SECONDS = (0.1, 3.0)
RESEND_SECONDS = 5.0
REQUEST_SECONDS = 30.0


class ReplayError(Exception):
    """The run cannot start or go on; the message is one line for whoever started it."""


class UnreachableError(ReplayError):
    """Nobody answers at the address, or not as the platform would."""


class Visitor:
    """One visitor: `async with Visitor(url) as visitor: outcome = await visitor.send("你好")`.

    A socket that breaks is opened again and unacknowledged lines are sent again under their `client_id`.
    `frames` holds everything received, in order.
    """

    def __init__(
        self,
        url: str,
        inbox: str = "ib_demo",
        *,
        http: httpx.AsyncClient | None = None,
        locale: str = "zh-CN",
        answer_seconds: float = 30.0,
        patience_seconds: float = 10.0,
    ) -> None:
        """`patience_seconds` is how long a server may be away while a session or socket is wanted."""
        self.url = url.rstrip("/")
        self.inbox = inbox
        self.locale = locale
        self.answer_seconds = answer_seconds
        self.patience_seconds = patience_seconds
        self.frames: list[Frame] = []
        self.messages: dict[int, Frame] = {}
        self.turn_states: dict[str, str] = {}
        self.last_seq = 0
        self.conversation_id: str | None = None
        self.state: str | None = None
        self.token = ""
        self.connections = 0
        self._http = http or httpx.AsyncClient(timeout=REQUEST_SECONDS)
        self._owns_http = http is None
        self._lines: dict[str, Line] = {}
        self._answers: dict[str, Answer] = {}
        self._socket: ClientConnection | None = None
        self._ready = asyncio.Event()
        self._wanted = asyncio.Event()
        self._failure: str | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Opens a session and its socket. Raises ReplayError."""
        try:
            await self.open_session()
            self._keeper = asyncio.create_task(self._keep_connected())
            await self.reconnect()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for task in (self._keeper, *self._later) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        if self._owns_http:
            await self._http.aclose()

    # --- HTTP ------------------------------------------------------------------------------------

    async def open_session(self) -> None:
        """Gets a token; the earlier one, if any, keeps the visitor. Raises ReplayError."""
        body = {"inbox": self.inbox, "locale": self.locale}
        if self.token:
            body["resume"] = self.token
        reply = await self._request("POST", "/api/v1/client/sessions", json=body)
        self.token = reply["token"]

    async def fetch(self, *, after_seq: int = 0) -> Frame:
        """The conversation as the server has it, the body of `ready`. Raises ReplayError."""
        return await self._request("GET", f"/api/v1/client/conversation?after_seq={after_seq}")

    async def _request(self, method: str, path: str, **content: Any) -> Frame:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return await self._request_once(method, path, **content)
            except UnreachableError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(random.uniform(*RECONNECT_SECONDS) / 2)  # noqa: S311 jitter

    async def _request_once(self, method: str, path: str, **content: Any) -> Frame:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            response = await self._http.request(method, self.url + path, headers=headers, **content)
            if response.is_client_error:
                raise ReplayError(f"{method} {path}: HTTP {response.status_code}")
            response.raise_for_status()
            body: Frame = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(f"cannot reach {self.url}: {reason}") from None
        return body

    # --- the socket ------------------------------------------------------------------------------

    async def reconnect(self) -> None:
        """Waits until the socket is open and `ready`. Raises ReplayError."""
        self._wanted.set()
        try:
            async with asyncio.timeout(self.patience_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise ReplayError(f"no answer from the socket of {self.url}") from None
        if self._failure:
            raise ReplayError(self._failure)

    async def drop(self) -> None:
        """Aborts the connection without a goodbye; it stays away until `reconnect`."""
        self._wanted.clear()
        self._ready.clear()
        if self._socket is not None:
            self._socket.transport.abort()
            await self._socket.wait_closed()

    async def _keep_connected(self) -> None:
        pause_seconds, longest_seconds = RECONNECT_SECONDS
        while self._failure is None:
            await self._wanted.wait()
            with contextlib.suppress(OSError, TimeoutError, InvalidHandshake):
                await self._converse()
                pause_seconds = RECONNECT_SECONDS[0]
            self._ready.clear()
            await asyncio.sleep(random.uniform(0, pause_seconds))  # noqa: S311 jitter
            pause_seconds = min(2 * pause_seconds, longest_seconds)
        self._fail_all(self._failure)

    async def _converse(self) -> None:
        """One connection from `hello` to its end."""
        async with connect(
            socket_url(self.url),
            origin=Origin(self.url),
            subprotocols=[Subprotocol(protocol.SUBPROTOCOL)],
            compression=None,
            max_size=None,
            open_timeout=self.patience_seconds,
            close_timeout=1,
        ) as socket:
            self._socket = socket
            self.connections += 1
            await self._emit({"type": "hello", "token": self.token, "after_seq": self.last_seq})
            try:
                async for raw in socket:
                    await self._take(json.loads(raw))
            except ConnectionClosed:
                pass
            except (ValueError, KeyError) as error:
                self._failure = f"the server sent a frame that cannot be read: {error!r}"
            if socket.close_code in FINAL_CLOSES:
                self._failure = f"the server closed the socket with {socket.close_code}"

    def _fail_all(self, reason: str) -> None:
        for line in self._lines.values():
            line.error = line.error or reason
            line.settled.set()
        self._ready.set()

    async def _emit(self, frame: Frame) -> None:
        # A broken socket needs no word here: the next one sends what is unacknowledged.
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame, ensure_ascii=False))

    # --- sending ---------------------------------------------------------------------------------

    async def send(self, text: str, *, client_id: str | None = None) -> Outcome:
        """Sends a line and waits for its answer, `answer_seconds` at most."""
        line = Line(client_id or str(uuid.uuid4()), text, time.perf_counter())
        self._lines[line.client_id] = line
        await self._transmit(line)
        try:
            async with asyncio.timeout(self.answer_seconds):
                await self._settle(line)
        except TimeoutError:
            line.error = line.error or "timeout"
        del self._lines[line.client_id]
        return self._outcome(line)

    async def _settle(self, line: Line) -> None:
        patience_seconds = RESEND_SECONDS
        while not line.settled.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_seconds):
                    await line.settled.wait()
            # A platform that is overrun would drown in what comes again and again.
            patience_seconds *= 2
            if line.seq is None and line.error is None:
                await self._transmit(line)

    async def _transmit(self, line: Line) -> None:
        await self._emit({"type": "message.send", "client_id": line.client_id, "text": line.text})

    async def _transmit_waiting(self) -> None:
        for line in list(self._lines.values()):
            if line.seq is None:
                await self._transmit(line)

    async def _transmit_later(self, delay_ms: float) -> None:
        await asyncio.sleep(delay_ms / 1000)
        await self._transmit_waiting()

    async def sync(self) -> None:
        """Asks for whatever came after the last line seen."""
        await self._emit({"type": "sync", "after_seq": self.last_seq})

    def _outcome(self, line: Line) -> Outcome:
        answer = self._answers.get(line.turn_id or "") or Answer()

        def elapsed_ms(at: float | None) -> float | None:
            return None if at is None else round((at - line.sent_at) * 1000, 2)

        return Outcome(
            client_id=line.client_id,
            seq=line.seq,
            turn_id=line.turn_id,
            ttft_ms=elapsed_ms(answer.first_at or answer.final_at),
            final_ms=elapsed_ms(answer.final_at),
            text=answer.text,
            error=line.error,
        )

    # --- receiving -------------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "ready":
                await self._take_ready(frame)
            case "ack":
                self._take_ack(frame)
            case "message":
                await self._take_message(frame)
            case "delta":
                await self._take_delta(frame)
            case "turn":
                self.turn_states[frame["turn_id"]] = frame["state"]
            case "heartbeat" if frame["seq"] > self.last_seq:
                await self.sync()
            case "state":
                self.state = frame["state"]
            case "error":
                self._take_error(frame)

    async def _take_ready(self, frame: Frame) -> None:
        self.state = frame["state"]
        self.token = frame.get("token") or self.token
        if frame["conversation_id"] != self.conversation_id:
            self.conversation_id = frame["conversation_id"]
            self.last_seq = 0
            self.messages.clear()
        for message in frame["messages"]:
            self._keep(message)
        # The server sends no more than its newest lines to one that has missed very many.
        self.last_seq = max(self.last_seq, frame["seq"])
        partial = frame.get("partial")
        if partial:
            self._answer(partial["turn_id"]).length_chars = partial["offset"] + len(partial["text"])
        self._ready.set()
        await self._transmit_waiting()

    def _take_ack(self, frame: Frame) -> None:
        line = self._lines.get(frame["client_id"])
        if line is not None:
            line.seq, line.turn_id = frame["seq"], frame.get("turn_id")
            self._settle_answered()

    async def _take_message(self, frame: Frame) -> None:
        if frame["seq"] > self.last_seq + 1:
            await self.sync()
        else:
            self._keep(frame)

    async def _take_delta(self, frame: Frame) -> None:
        answer = self._answer(frame["turn_id"])
        answer.first_at = answer.first_at or time.perf_counter()
        if frame["offset"] == 0:
            answer.length_chars = 0  # another attempt starts over
        if frame["offset"] > answer.length_chars and answer.text is None:
            await self.sync()
        answer.length_chars = max(answer.length_chars, frame["offset"] + len(frame["text"]))

    def _take_error(self, frame: Frame) -> None:
        client_id = frame.get("client_id")
        if frame["code"] in RETRIED_ERRORS:
            later = asyncio.create_task(self._transmit_later(frame.get("retry_after_ms", 200)))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        elif client_id in self._lines:
            self._lines[client_id].error = frame["code"]
            self._lines[client_id].settled.set()

    def _keep(self, message: Frame) -> None:
        """Files a line of the conversation; a line may come more than once."""
        self.messages.setdefault(message["seq"], message)
        while self.last_seq + 1 in self.messages:
            self.last_seq += 1
        if message["role"] in ANSWERING_ROLES:
            for turn_id in self._answered_by(message):
                answer = self._answer(turn_id)
                answer.final_at = answer.final_at or time.perf_counter()
                answer.text = message["text"]
        self._settle_answered()

    def _answered_by(self, message: Frame) -> set[str]:
        """The turns a line answers: its own, or all that wait when a person or the system speaks."""
        if message.get("turn_id"):
            return {message["turn_id"]}
        if message["role"] == "bot":
            return set()
        waiting = [line for line in self._lines.values() if line.seq and line.seq < message["seq"]]
        return {line.turn_id for line in waiting if line.turn_id}

    def _answer(self, turn_id: str) -> Answer:
        return self._answers.setdefault(turn_id, Answer())

    def _settle_answered(self) -> None:
        for line in self._lines.values():
            answer = self._answers.get(line.turn_id or "")
            if line.seq is not None and (
                line.turn_id is None or (answer and answer.text is not None)
            ):
                line.settled.set()


def socket_url(url: str) -> str:
    """The address of the visitors' socket on a server."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/ws/client/", "", ""))
