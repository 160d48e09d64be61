"""Replay sees what a server does wrong, and heals what a client can heal."""

import asyncio
import gzip
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from django.core.management import CommandError, call_command

from chat import replay
from chat.replay.dialogues import percentile
from tests.chat.platform_fake import Platform, serving

ROOT = Path(__file__).resolve().parents[2]
DIALOGUES = [replay.Dialogue(str(n), ("你好", "我的订单", "谢谢"), 0) for n in range(4)]


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[Platform]:
    async with serving(Platform()) as started:
        yield started


async def played(platform: Platform, *, answer_seconds: float = 5.0) -> replay.Summary:
    return await replay.play(
        DIALOGUES, url=platform.url, inbox="ib_demo", visitors=3, answer_seconds=answer_seconds
    )


def encoded(*lines: object) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(line) for line in lines).encode())


def turns(*texts: str, role: str = "user") -> dict[str, object]:
    return {"id": "d", "turns": [{"role": role, "text": text} for text in texts]}


# --- reading ---------------------------------------------------------------------------------------


def test_load_takes_customers_lines_of_any_name() -> None:
    mixed = {"turns": [{"role": r, "text": r} for r in ("User", "agent", "visitor", "customer")]}
    assert replay.load(encoded(mixed), name="f") == [
        replay.Dialogue("1", ("User", "visitor", "customer"), 0)
    ]


def test_load_reads_gzip_and_skips_blank_lines() -> None:
    packed = gzip.compress(encoded(turns("好")).getvalue() + b"\n\n")
    assert replay.load(io.BytesIO(packed), name="f")[0].utterances == ("好",)


def test_load_counts_what_cannot_be_sent() -> None:
    dialogue = replay.load(
        encoded(turns("好", "", " \n", "x" * 4001, "\x00", "x" * 4000)), name="f"
    )[0]
    assert (len(dialogue.utterances), dialogue.skipped) == (2, 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"turns": []}\n{"turns', "f, line 2: not JSON"),
        (b"[]", 'f, line 1: an object with a list "turns"'),
        (b'{"turns": [1]}', "f, line 1: a turn is not an object"),
        (
            b'{"turns": [{"role": "user"}]}',
            'f, line 1: a turn without the strings "role" and "text"',
        ),
        (b"\xff\xfe{}", "f, line 1: not UTF-8"),
        (b"\x1f\x8bxx", "f: "),
        (b"\n\n", "f: no dialogues"),
    ],
)
def test_load_names_file_line_and_reason(content: bytes, reason: str) -> None:
    with pytest.raises(replay.ReplayError) as refused:
        replay.load(io.BytesIO(content), name="f")
    assert str(refused.value).startswith(reason)


# --- playing ---------------------------------------------------------------------------------------


async def test_play_counts_a_clean_run(platform: Platform) -> None:
    summary = await played(platform)
    line = summary.line(visitors=3)
    assert list(line)[:9] == [
        "sent",
        "acked",
        "answered",
        "duplicated",
        "lost",
        "ttft_ms_p50",
        "ttft_ms_p99",
        "final_ms_p50",
        "final_ms_p99",
    ]
    assert [line[name] for name in list(line)[:5]] == [12, 12, 12, 0, 0]
    assert summary.is_clean
    assert 0 < line["ttft_ms_p50"] < line["final_ms_p50"]
    assert len(platform.rows) == 4, "a visitor of its own for each dialogue"


async def test_play_takes_the_message_for_first_token_without_deltas(platform: Platform) -> None:
    platform.faults = {"no_deltas"}
    line = (await played(platform)).line(visitors=3)
    assert line["ttft_ms_p50"] == line["final_ms_p50"]


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("lose_row", {"lost": 12}),
        ("double_row", {"duplicated": 12}),
        ("double_answer", {"duplicated": 12}),
        ("apologise", {"apologies": 12, "answered": 12}),
        ("silent", {"answered": 0, "acked": 12, "lost": 0}),
        ("refused", {"acked": 0, "lost": 12}),
    ],
)
async def test_play_notices(platform: Platform, fault: str, counted: dict[str, int]) -> None:
    platform.faults = {fault}
    summary = await played(platform, answer_seconds=0.3)
    line = summary.line(visitors=3)
    assert {name: line[name] for name in counted} == counted
    assert summary.is_clean == (fault == "apologise")


@pytest.mark.parametrize("fault", ["break", "break_first", "vanish", "unpushed", "rate_limited"])
async def test_play_heals(platform: Platform, fault: str) -> None:
    platform.once = {fault}
    if fault == "break_first":
        platform.once.add("break")
    summary = await played(platform)
    assert not platform.once
    assert summary.is_clean
    assert summary.line(visitors=3)["answered"] == 12


async def test_play_keeps_the_pace(platform: Platform) -> None:
    summary = await replay.play(DIALOGUES, url=platform.url, inbox="ib_demo", visitors=4, rate=20.0)
    assert 0.5 < summary.seconds < 1.5, "12 messages at 20 a second"


async def test_play_accepts_lines_that_wait_for_a_person(platform: Platform) -> None:
    platform.faults = {"person"}
    summary = await played(platform)
    assert summary.is_clean
    assert summary.line(visitors=3)["with_person"] == 12


async def test_play_says_that_nobody_is_there() -> None:
    with pytest.raises(replay.ReplayError, match=r"cannot reach http://127\.0\.0\.1:9"):
        await replay.play(DIALOGUES, url="http://127.0.0.1:9", inbox="ib_demo", visitors=1)


async def test_play_says_that_the_inbox_is_unknown(platform: Platform) -> None:
    with pytest.raises(replay.ReplayError, match="HTTP 404"):
        await replay.play(DIALOGUES, url=platform.url, inbox="ib_other", visitors=2)


# --- the visitor -----------------------------------------------------------------------------------


async def test_visitor_stays_away_until_it_reconnects(platform: Platform) -> None:
    async with replay.Visitor(platform.url) as visitor:
        assert (await visitor.send("一")).text == "您好"
        await visitor.drop()
        pending = asyncio.create_task(visitor.send("二"))
        await asyncio.sleep(0.2)
        assert not pending.done()
        await visitor.reconnect()
        assert (await pending).text == "您好"
        assert (visitor.connections, visitor.last_seq) == (2, 4)
        assert [frame["type"] for frame in visitor.frames].count("ready") == 2


async def test_visitor_resends_under_the_same_client_id(platform: Platform) -> None:
    platform.once = {"vanish"}
    async with replay.Visitor(platform.url) as visitor:
        outcome = await visitor.send("你好")
    sent = [f["client_id"] for f in platform.received if f["type"] == "message.send"]
    assert sent == [outcome.client_id] * 2


def test_percentile_is_the_nearest_rank() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, p) for p in (0, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([], 50) is None


# --- the command -----------------------------------------------------------------------------------


async def test_command_prints_one_json_line(platform: Platform) -> None:
    command = [sys.executable, "manage.py", "replay", "-", "--url", platform.url, "--visitors", "2"]
    ended = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=ROOT,
        input=encoded(turns("你好", ""), turns("在吗")).getvalue(),
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(b"\n") == 1
    line = json.loads(ended.stdout)
    assert (line["sent"], line["answered"], line["skipped"]) == (2, 2, 1)
    assert b"skipped 1 line" in ended.stderr


async def test_command_fails_when_something_was_lost(platform: Platform, tmp_path: Path) -> None:
    platform.faults = {"lose_row"}
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(encoded(turns("你好")).getvalue())
    printed = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(call_command, "replay", file, url=platform.url, stdout=printed)
    assert ended.value.code == 1
    assert json.loads(printed.getvalue())["lost"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"turns": []}', "cannot reach http://127.0.0.1:9: "),
        (b"{", "dialogues.jsonl, line 1: not JSON"),
        (None, "dialogues.jsonl: No such file"),
    ],
)
def test_command_says_what_is_wrong(content: bytes | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "dialogues.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        call_command("replay", file, url="http://127.0.0.1:9")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
