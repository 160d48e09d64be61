"""The faults that every test run goes through, on the whole platform; `make faults` goes through all of them."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.replay.visitor import socket_url
from tests.faults.platform import Platform
from tests.faults.scenarios import CHEAP, MARKER, Scenario
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


@pytest.fixture
def platform(stack: Stack) -> Iterator[Platform]:
    """The shared platform, whole again afterwards."""
    under_attack = Platform(stack)
    asyncio.run(under_attack.ready())
    yield under_attack
    asyncio.run(under_attack.ready())
    under_attack.close()


@pytest.mark.parametrize("scenario", CHEAP, ids=lambda scenario: scenario.__name__)
def test_fault_is_survived(platform: Platform, scenario: Scenario) -> None:
    verdict = asyncio.run(scenario(platform))

    assert verdict.passed, verdict
    assert MARKER not in "\n".join(platform.stack.output)


def test_frame_of_five_megabytes_costs_one_socket_and_nothing_else(platform: Platform) -> None:
    asyncio.run(send_five_megabytes(platform))


async def send_five_megabytes(platform: Platform) -> None:
    async with platform.visitor() as visitor:
        too_big = {"type": "message.send", "client_id": "x", "text": MARKER * 1_700_000}
        async with connect(socket_url(platform.url), max_size=None, compression=None) as socket:
            hello = {"type": "hello", "token": visitor.token, "after_seq": 0}
            await socket.send(json.dumps(hello))
            assert json.loads(await socket.recv())["type"] == "ready"
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.gather(
                    socket.send(json.dumps(too_big, ensure_ascii=False)), socket.recv()
                )

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await visitor.send("还能用吗?")).answered
        assert [row["role"] for row in (await visitor.fetch())["messages"]] == ["visitor", "bot"]
    assert MARKER not in "\n".join(platform.stack.output)
