"""How JSON is asked for: schemas made strict, and described where a server knows none."""

import json

import pydantic

from prompts.llm.catalogue import Capabilities, Endpoint
from prompts.llm.providers import shapes
from prompts.llm.types import JsonShape, Line
from tests.prompts.llm.asking import request

SHAPE = JsonShape("reading", {"type": "object", "properties": {"n": {"type": "integer"}}})
PLAIN = Endpoint(name="a", provider="openai")
CAPABLE = Endpoint(name="b", provider="openai", capabilities=Capabilities(json_schema=True))


class Item(pydantic.BaseModel):
    name: str
    count: int = 1


class Order(pydantic.BaseModel):
    items: list[Item] = []
    best: Item | None = None
    properties: str = ""


def test_strict_schema_closes_every_object_and_requires_every_field() -> None:
    strict = shapes.strict(Order.model_json_schema())

    item = strict["$defs"]["Item"]
    assert (strict["additionalProperties"], item["additionalProperties"]) == (False, False)
    assert strict["required"] == ["items", "best", "properties"]
    assert item["required"] == ["name", "count"]
    assert '"default"' not in json.dumps(strict)


def test_strict_schema_takes_what_the_lax_one_took() -> None:
    strict = shapes.strict(Order.model_json_schema())
    order = Order(items=[Item(name="a")], best=Item(name="b"), properties="c")

    assert set(strict["properties"]) == set(order.model_dump())
    assert strict["properties"]["properties"]["type"] == "string"


def test_schema_without_fields_or_with_oddities_survives() -> None:
    assert shapes.strict({"type": "object"})["required"] == []
    assert shapes.strict({"type": "array", "items": True})["items"] is True


def test_field_that_is_named_default_is_kept() -> None:
    schema = {"type": "object", "properties": {"default": {"type": "string", "default": "x"}}}

    assert shapes.strict(schema)["properties"] == {"default": {"type": "string"}}


def test_shape_is_enforced_or_described_never_both() -> None:
    wanted = request(json=SHAPE)

    assert shapes.enforced(CAPABLE, wanted) == SHAPE
    assert shapes.lines(CAPABLE, wanted) == wanted.lines
    assert shapes.enforced(PLAIN, wanted) is None
    assert shapes.lines(PLAIN, request()) == request().lines


def test_description_stands_at_the_end_of_the_system_text() -> None:
    lines = (Line("system", "一"), Line("system", "二"), Line("user", "在吗"))

    first, second, user = shapes.lines(PLAIN, request(lines=lines, json=SHAPE))

    assert (first, user) == (lines[0], lines[2])
    assert second.text.startswith("二\n\n")
    assert second.text.endswith(json.dumps(SHAPE.schema))
    assert "JSON" in second.text


def test_thread_without_a_system_text_gets_one() -> None:
    described = shapes.lines(PLAIN, request(lines=(Line("user", "在吗"),), json=SHAPE))

    assert [line.role for line in described] == ["system", "user"]
