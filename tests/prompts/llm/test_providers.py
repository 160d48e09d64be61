"""What the wires have in common: tools and JSON there and back, connections that are kept, keys that are ours."""

import gc
import json
import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from prompts.llm import providers
from prompts.llm.catalogue import SOP, Capabilities, Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.types import JsonShape, Line
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import (
    KEY,
    ORDER,
    SOP_ANSWER,
    TOOL,
    WHOLE,
    WIRES,
    document,
    endpoint,
    request,
    request_for_tool,
    said,
    settled,
)
from tests.prompts.llm.serving import (
    ANSWERS,
    GOOD,
    endpoint_at,
    frame,
    openai_delta,
    reply,
    serving,
    unended,
)

SHAPE = JsonShape(
    name="reading",
    schema={
        "type": "object",
        "properties": {
            "order_number": {"type": "string"},
            "urgency": {"type": "integer", "minimum": 0, "maximum": 3, "default": 0},
        },
    },
)
CAPABLE = Capabilities(tools=True, json_schema=True)
SDK_WIRES = sorted(ANSWERS)


@pytest.mark.parametrize("wire", WIRES)
def test_tool_is_called_and_its_result_understood(provider: ProviderControl, wire: str) -> None:
    chosen = endpoint(provider, wire=wire, capabilities=CAPABLE)
    first = request_for_tool()
    [call] = list(providers.stream(chosen, first))[-1].tools
    thread = (
        *first.lines,
        Line("assistant", "我来查。", tools=(call,)),
        Line("tool", "已到杭州", call_id=call.id),
    )

    answer = said(providers.stream(chosen, replace(first, lines=thread, tool_choice="auto")))

    assert (call.name, json.loads(call.arguments)) == (TOOL.name, {"order_number": ORDER})
    assert "已到杭州" in answer


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("choice", ["none", "auto", TOOL.name])
def test_choice_of_tools_is_heard(provider: ProviderControl, wire: str, choice: str) -> None:
    chosen = endpoint(provider, wire=wire, capabilities=CAPABLE)

    last = list(providers.stream(chosen, request_for_tool(tool_choice=choice)))[-1]

    assert [call.name for call in last.tools] == ([] if choice == "none" else [TOOL.name])


@pytest.mark.parametrize("wire", WIRES)
def test_tools_are_not_sent_to_a_server_that_takes_none(
    provider: ProviderControl, wire: str
) -> None:
    list(providers.stream(endpoint(provider, wire=wire), request_for_tool()))

    assert TOOL.name not in json.dumps(settled(provider)[0]["body"])


@pytest.mark.parametrize("wire", WIRES)
def test_json_is_held_to_its_schema_by_the_server(provider: ProviderControl, wire: str) -> None:
    chosen = endpoint(provider, wire=wire, capabilities=CAPABLE)

    answer = json.loads(said(providers.stream(chosen, request_for_tool(tools=(), json=SHAPE))))

    assert answer["order_number"] == ORDER
    assert isinstance(answer["urgency"], int)
    assert len(answer) == 2


@pytest.mark.parametrize("wire", WIRES)
def test_json_is_described_where_the_server_knows_no_schemas(
    provider: ProviderControl, wire: str
) -> None:
    list(providers.stream(endpoint(provider, wire=wire), request(json=SHAPE)))

    sent = settled(provider)[0]["body"]
    system = sent.get("system") or (sent.get("input") or sent)["messages"][0]["content"]
    assert system.startswith("你是客服\n\n")
    assert "JSON" in system
    assert system.endswith(json.dumps(SHAPE.schema, ensure_ascii=False))
    assert "response_format" not in json.dumps(sent)


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_server_that_is_not_there_is_unavailable(provider: ProviderControl, wire: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    for url in (f"http://127.0.0.1:{port}", f"https://{provider.url.partition('//')[2]}"):
        with pytest.raises(ModelError) as caught:
            list(providers.stream(endpoint(provider, wire=wire, base_url=url), request()))
        assert caught.value.kind == ErrorClass.UNAVAILABLE


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_connection_is_used_again(wire: str) -> None:
    with serving(reply(*ANSWERS[wire])) as server:
        for _ in range(3):
            assert said(providers.stream(endpoint_at(server, wire), request())) == GOOD

    assert (len(server.heads), server.connections) == (3, 1)


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_client_is_built_once_for_a_server_and_a_key(wire: str) -> None:
    build = providers.CLIENTS[wire].of
    with serving(b"") as server:
        first = endpoint_at(server, wire)

        providers.warm(first)

        assert build(first) is build(replace(first, name="other", model="n", timeout_seconds=1.0))
        assert build(first) is not build(replace(first, api_key=f"{KEY}-2"))


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_key_of_the_endpoint_is_the_one_that_is_sent(
    wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI", "ANTHROPIC", "DASHSCOPE"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-of-the-environment")
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9")

    with serving(reply(*ANSWERS[wire])) as server:
        list(providers.stream(endpoint_at(server, wire), request()))

    assert f"authorization: bearer {KEY}\r\n" in server.heads[0]
    assert "sk-of-the-environment" not in server.heads[0]


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_connection_that_breaks_after_the_finish_reason_takes_nothing_away(wire: str) -> None:
    frames = [each for each in ANSWERS[wire] if b"[DONE]" not in each and b"_stop" not in each]
    frames += [frame(openai_delta(None, "stop"))] if wire == "openai" else []

    with serving(unended(*frames)) as server:
        chunks = list(providers.stream(endpoint_at(server, wire), request()))

    assert (said(chunks), chunks[-1].finish) == (GOOD, "stop")


@pytest.mark.parametrize("wire", SDK_WIRES)
@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ('{"error": {"code": "1302", "message": "速率限制"}}', "application/json", "rate_limit"),
        ('{"code": "Arrearage", "message": "x"}', "application/json", "quota_auth"),
        ('{"choices": [{"message": {"content": "好"}}]}', "application/json", "bad_output"),
        ("<html>登录</html>", "text/html", "bad_output"),
        ("", "application/json", "bad_output"),
        ("x" * 200_000, "text/plain", "bad_output"),
    ],
)
def test_body_under_200_that_is_no_stream_is_read_for_an_error(
    wire: str, body: str, kind: str, expected: str
) -> None:
    with (
        serving(reply(*filter(None, [body.encode()]), kind=kind)) as server,
        pytest.raises(ModelError) as caught,
    ):
        list(providers.stream(endpoint_at(server, wire), request()))

    assert caught.value.kind.value == expected


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_error_status_whose_body_is_an_event_is_read(wire: str) -> None:
    """Alibaba answers so where a stream was asked for."""
    event = b'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"Arrearage","message":"x"}\n\n'

    with (
        serving(reply(event, status="400 Bad Request")) as server,
        pytest.raises(ModelError) as caught,
    ):
        list(providers.stream(endpoint_at(server, wire), request()))

    assert caught.value.kind == ErrorClass.QUOTA_AUTH


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_nul_is_left_out(wire: str) -> None:
    spoiled = [each.replace(GOOD.encode(), b"a\\u0000b\\\\u0000") for each in ANSWERS[wire]]

    with serving(reply(*spoiled)) as server:
        assert said(providers.stream(endpoint_at(server, wire), request())) == "ab\\u0000"


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_malformed_frame_with_a_nul_is_malformed(wire: str) -> None:
    with (
        serving(reply(frame('{"type": "\\u0000"'))) as server,
        pytest.raises(ModelError) as caught,
    ):
        list(providers.stream(endpoint_at(server, wire), request()))

    assert caught.value.detail == "malformed frame"


@pytest.mark.parametrize("wire", WIRES)
def test_stream_outlives_its_client_being_dropped(provider: ProviderControl, wire: str) -> None:
    provider.set_scenario([{"answer": WHOLE, "interval_ms": 20}])
    chosen = endpoint(provider, wire=wire)
    chunks = providers.stream(chosen, request())
    first = next(chunk for chunk in chunks if chunk.text)

    providers.CLIENTS[chosen.provider].built.cache_clear()
    gc.collect()

    assert first.text + said(chunks) == WHOLE


@pytest.mark.parametrize("wire", SDK_WIRES)
def test_vendor_itself_is_asked_where_no_server_is_named(
    wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{wire.upper()}_BASE_URL", "http://127.0.0.1:9")
    hosts = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}

    client = providers.CLIENTS[wire].of(Endpoint(name="a", provider=wire, api_key=KEY))

    named = client.config if wire == "dashscope" else client
    asked = urlsplit(str(named.base_url))
    assert (asked.scheme, asked.hostname) == ("https", hosts.get(wire, "dashscope.aliyuncs.com"))


def test_sops_answer_without_a_server() -> None:
    chunks = list(providers.stream(SOP, request(document()), timeout_seconds=0.0))

    assert said(chunks) == SOP_ANSWER
    providers.warm(SOP)
