"""Frames from browsers: everything the contract names is read, everything else is refused; and frames to them."""

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import protocol
from chat.protocol import ProtocolError

CLIENT_ID = UUID("0b9f6c1e-6a3e-4d52-9d6b-0a4f6b1f2c3d")
SEND = {"type": "message.send", "client_id": str(CLIENT_ID), "text": "在吗"}
EASY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
RATE = {"type": "rate", "score": 5, "resolved": True}


def refused(raw: str) -> tuple[str, UUID | None]:
    """The code and client_id of the error that `raw` gets."""
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(raw)
    return caught.value.code, caught.value.client_id


def send(**fields: Any) -> str:
    return json.dumps({**SEND, **fields})


# --- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "frame"),
    [
        (
            {"type": "hello", "token": "t"},
            protocol.Hello(type="hello", token="t", after_seq=0, conversation_id=None),
        ),
        (
            {"type": "hello", "token": "t", "after_seq": 7, "conversation_id": "c"},
            protocol.Hello(type="hello", token="t", after_seq=7, conversation_id="c"),
        ),
        (SEND, protocol.MessageSend(type="message.send", client_id=str(CLIENT_ID), text="在吗")),  # type: ignore[arg-type]
        ({"type": "typing", "on": True}, protocol.Typing(type="typing", on=True)),
        ({"type": "human.request"}, protocol.HumanRequest(type="human.request")),
        (
            {"type": "human.request", "reason": "退款"},
            protocol.HumanRequest(type="human.request", reason="退款"),
        ),
        ({"type": "human.cancel"}, protocol.HumanCancel(type="human.cancel")),
        (
            {"type": "choice", "client_id": str(CLIENT_ID), "message_seq": 3, "value": "是"},
            protocol.Choice(type="choice", client_id=str(CLIENT_ID), message_seq=3, value="是"),  # type: ignore[arg-type]
        ),
        (
            {**RATE, "tags": ["快"], "comment": "好"},
            protocol.Rate(type="rate", score=5, resolved=True, tags=["快"], comment="好"),
        ),
        (
            {"type": "feedback", "message_seq": 2, "value": "down", "reason": "不对"},
            protocol.Feedback(type="feedback", message_seq=2, value="down", reason="不对"),
        ),
        ({"type": "read", "seq": 4}, protocol.Read(type="read", seq=4)),
        ({"type": "sync", "after_seq": 0}, protocol.Sync(type="sync", after_seq=0)),
        ({"type": "ping"}, protocol.Ping(type="ping")),
    ],
)
def test_parse_reads_every_frame(fields: dict[str, Any], frame: protocol.ClientFrame) -> None:
    assert protocol.parse(json.dumps(fields)) == frame
    assert protocol.parse(json.dumps({**fields, "from_a_newer_client": [1]})) == frame


def test_parse_takes_4000_characters_however_many_bytes() -> None:
    text = "😀" * 4000
    assert protocol.parse(send(text=text)) == protocol.MessageSend(
        type="message.send",
        client_id=str(CLIENT_ID),  # type: ignore[arg-type]
        text=text,
    )


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\r\nb", "é", "\u200d👨", "\u202eabc", "\ue000"])
def test_parse_takes_lines_tabs_and_any_script(text: str) -> None:
    frame = protocol.parse(send(text=text))
    assert isinstance(frame, protocol.MessageSend)
    assert frame.text == text


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "hello",
        "{",
        "null",
        "1",
        '"ping"',
        "[]",
        "[1, 2]",
        "{}",
        '{"type": "ping"} {"type": "ping"}',
        '\ufeff{"type": "ping"}',
        '{"type": null}',
        '{"type": 1}',
        '{"type": ["ping"]}',
        '{"type": {"ping": 1}}',
        '{"type": "PING"}',
        '{"type": "no.such"}',
        '{"type": "push.frame", "text": "{}"}',
        '{"type": "ping", "type": "sync", "after_seq": 0}',
        '{"type": "sync", "after_seq": NaN}',
        '{"type": "sync", "after_seq": Infinity}',
        '{"type": "sync", "after_seq": -Infinity}',
        '{"type": "ping", "more": NaN}',
        '{"type": "ping", "more": {"a": 1, "a": 1}}',
        '{"type": "sync", "after_seq": 1e400}',
        '{"type": "sync", "after_seq": ' + "9" * 5000 + "}",
        '{"type": "sync", "after_seq": ' + "9" * 400 + "}",
        '{"type": "ping", "more": ' + "[" * 2000 + "]" * 2000 + "}",
        '{"type": "ping", "more": ' + '{"a":' * 2000 + "1" + "}" * 2000 + "}",
        "[" * 100_000,
    ],
)
def test_parse_refuses_what_is_no_frame(raw: str) -> None:
    assert refused(raw) == ("invalid_frame", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "hello"},
        {"type": "hello", "token": 1},
        {"type": "hello", "token": "t" * 2001},
        {"type": "hello", "token": "t", "after_seq": -1},
        {"type": "hello", "token": "t", "after_seq": "0"},
        {"type": "hello", "token": "t", "after_seq": 1.0},
        {"type": "hello", "token": "t", "after_seq": True},
        {"type": "hello", "token": "t", "after_seq": 2**53 + 1},
        {"type": "hello", "token": "t", "after_seq": None},
        {"type": "hello", "token": "t", "conversation_id": 1},
        {"type": "typing"},
        {"type": "typing", "on": 1},
        {"type": "typing", "on": "true"},
        {"type": "human.request", "reason": "r" * 201},
        {"type": "human.request", "reason": 1},
        {"type": "rate", "score": 5},
        {**RATE, "score": 0},
        {**RATE, "score": 6},
        {**RATE, "score": 4.5},
        {**RATE, "score": True},
        {**RATE, "resolved": 1},
        {**RATE, "tags": "快"},
        {**RATE, "tags": ["t"] * 21},
        {**RATE, "tags": ["t" * 51]},
        {**RATE, "tags": [1]},
        {**RATE, "comment": "c" * 1001},
        {"type": "feedback", "message_seq": 1, "value": "sideways"},
        {"type": "feedback", "value": "up"},
        {"type": "read"},
        {"type": "sync"},
        {"type": "sync", "after_seq": [0]},
    ],
)
def test_parse_refuses_wrong_fields(fields: dict[str, Any]) -> None:
    assert refused(json.dumps(fields)) == ("invalid_frame", None)


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1b", "\x7f", "\x85", "\ud800", "\uffff"],
    ids=lambda character: f"U+{ord(character):04X}",
)
@pytest.mark.parametrize(
    "fields",
    [
        {**RATE, "comment": "a{}"},
        {**RATE, "tags": ["a{}"]},
        {"type": "human.request", "reason": "a{}"},
        {"type": "feedback", "message_seq": 1, "value": "up", "reason": "a{}"},
    ],
    ids=["comment", "tags", "reason", "feedback"],
)
def test_parse_refuses_unstorable_characters_anywhere(
    fields: dict[str, Any], character: str
) -> None:
    raw = json.dumps(fields).replace("{}", json.dumps(character)[1:-1])
    assert refused(raw) == ("invalid_frame", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": None},
        {"text": 1},
        {"text": ["在吗"]},
        {"text": ""},
        {"text": " \n\t\u3000"},
        {"text": "a\x00b"},
        {"text": "a\x1bb"},
        {"text": "a\x0bb"},
        {"text": "a\x7fb"},
        {"text": "a\x9fb"},
        {"text": "a\ufffeb"},
        {"text": "\ud83d"},
        {"text": "a\udc00b"},
        {"context": "page"},
        {"context": [1]},
    ],
)
def test_parse_names_the_line_it_refuses(fields: dict[str, Any]) -> None:
    assert refused(send(**fields)) == ("invalid_frame", CLIENT_ID)


@pytest.mark.parametrize("length", [4001, 60_000])
def test_parse_refuses_a_long_line_as_too_long(length: int) -> None:
    assert refused(send(text="长" * length)) == ("too_long", CLIENT_ID)


def test_parse_refuses_a_long_or_empty_choice_as_a_line() -> None:
    choice = {"type": "choice", "client_id": str(CLIENT_ID), "message_seq": 1}
    assert refused(json.dumps({**choice, "value": "长" * 4001})) == ("too_long", CLIENT_ID)
    assert refused(json.dumps({**choice, "value": "a\x00"})) == ("invalid_frame", CLIENT_ID)
    assert refused(json.dumps({**choice, "value": " "})) == ("invalid_frame", CLIENT_ID)


@pytest.mark.parametrize(
    "client_id", [None, 1, "", "c1", "0b9f6c1e", [str(CLIENT_ID)], str(CLIENT_ID) + "0", "\ud800"]
)
def test_parse_refuses_a_client_id_that_is_no_uuid(client_id: object) -> None:
    assert refused(send(client_id=client_id)) == ("invalid_frame", None)


@EASY
@given(st.text())
def test_parse_lets_nothing_but_its_own_error_out(raw: str) -> None:
    assert refused(raw)[0] == "invalid_frame"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@EASY
@given(
    st.sampled_from(["hello", "message.send", "typing", "choice", "rate", "feedback", "sync"]),
    st.dictionaries(
        st.sampled_from(
            ["client_id", "text", "token", "after_seq", "value", "score", "on", "tags"]
        ),
        JSON,
    ),
)
def test_parse_gives_a_frame_or_its_own_error(name: str, fields: dict[str, Any]) -> None:
    with contextlib.suppress(ProtocolError):
        assert protocol.parse(json.dumps({**fields, "type": name})).type == name


# --- text ------------------------------------------------------------------------------------------


def test_check_text_gives_back_what_may_be_stored() -> None:
    assert protocol.check_text(" 在吗 ") == " 在吗 "
    assert protocol.check_text("x" * 4000) == "x" * 4000


@pytest.mark.parametrize(
    ("text", "code"),
    [("x" * 4001, "too_long"), ("\x00" * 4001, "too_long"), ("\x00", "invalid_frame")],
)
def test_check_text_refuses(text: str, code: str) -> None:
    with pytest.raises(ProtocolError, match=code):
        protocol.check_text(text)


@EASY
@given(st.text(max_size=30))
def test_check_text_passes_only_what_utf8_and_postgres_take(text: str) -> None:
    try:
        protocol.check_text(text)
    except ProtocolError:
        return
    assert text.encode().decode() == text
    assert "\x00" not in text


# --- frames to browsers ----------------------------------------------------------------------------


def test_error_speaks_the_visitors_language() -> None:
    frame = protocol.error("too_long", locale="zh-TW", request_id="r")
    assert frame == {
        "type": "error",
        "code": "too_long",
        "message": "消息过长\uff0c请控制在4000字以内",
        "request_id": "r",
    }
    english = protocol.error(
        "rate_limited", locale="en", request_id="r", client_id=CLIENT_ID, retry_after_ms=250
    )
    assert english == {
        "type": "error",
        "code": "rate_limited",
        "message": "You are sending too fast. Please wait a moment.",
        "request_id": "r",
        "client_id": str(CLIENT_ID),
        "retry_after_ms": 250,
    }


def test_every_error_code_has_both_languages() -> None:
    texts = [text for both in protocol.ERROR_TEXTS.values() for text in both]
    assert len(set(texts)) == 18
    assert list(protocol.ERROR_TEXTS) == [
        "unauthorized",
        "forbidden_origin",
        "identity_invalid",
        "invalid_frame",
        "too_long",
        "rate_limited",
        "conflict",
        "not_found",
        "unavailable",
    ]


def test_small_frames_have_exactly_their_fields() -> None:
    assert protocol.ack(CLIENT_ID, seq=3, turn_id=None) == {
        "type": "ack",
        "client_id": str(CLIENT_ID),
        "seq": 3,
    }
    assert protocol.ack(CLIENT_ID, seq=3, turn_id=CLIENT_ID)["turn_id"] == str(CLIENT_ID)
    assert protocol.delta("t", n=1, offset=4, text="好") == {
        "type": "delta",
        "turn_id": "t",
        "n": 1,
        "offset": 4,
        "text": "好",
    }
    assert protocol.turn(CLIENT_ID, "done") == {
        "type": "turn",
        "turn_id": str(CLIENT_ID),
        "state": "done",
    }
    assert protocol.heartbeat(9) == {"type": "heartbeat", "seq": 9}


def test_dumps_is_compact_utf8() -> None:
    assert protocol.dumps({"text": "好", "seq": 1}) == '{"text":"好","seq":1}'


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 31, 8, 15, 0, 123456, tzinfo=UTC), "2026-01-31T08:15:00.123Z"),
        (
            datetime(2026, 1, 31, 8, 15, tzinfo=timezone(timedelta(hours=8))),
            "2026-01-31T00:15:00.000Z",
        ),
    ],
)
def test_iso_is_utc_with_z(at: datetime, text: str) -> None:
    assert protocol.iso(at) == text
