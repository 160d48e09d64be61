"""How a JSON answer is asked for, of servers that hold to a schema and of those that do not. Called by the wires."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prompts.llm.catalogue import Endpoint
from prompts.llm.types import JsonShape, Line, Request

DESCRIPTION = (
    "只输出一个 JSON 对象,不要代码块,不要任何其他文字。它必须符合下面的 JSON Schema:\n{schema}"
)
# Objects by name, and lists, that hold schemas.
NAMED, LISTED = ("properties", "$defs"), ("anyOf", "oneOf", "allOf")


def enforced(endpoint: Endpoint, request: Request) -> JsonShape | None:
    """The shape that the endpoint's server itself holds the answer to, if there is one."""
    return request.json if endpoint.capabilities.json_schema else None


def lines(endpoint: Endpoint, request: Request) -> tuple[Line, ...]:
    """The request's lines; a shape the server cannot hold to is described at the end of the system text."""
    if request.json is None or endpoint.capabilities.json_schema:
        return request.lines
    schema = json.dumps(request.json.schema, ensure_ascii=False)
    words = DESCRIPTION.format(schema=schema)
    found = [at for at, line in enumerate(request.lines) if line.role == "system"]
    if not found:
        return (Line("system", words), *request.lines)
    last = found[-1]
    told = replace(request.lines[last], text=f"{request.lines[last].text}\n\n{words}")
    return (*request.lines[:last], told, *request.lines[last + 1 :])


def strict(schema: Any) -> Any:
    """The schema with every object closed and every field required, as the strict modes want it.

    Defaults go: a field that must be there has none.
    """
    if not isinstance(schema, Mapping):
        return schema
    told = {key: value for key, value in schema.items() if key != "default"}
    for key in NAMED:
        if key in told:
            told[key] = {name: strict(each) for name, each in told[key].items()}
    for key in LISTED:
        if key in told:
            told[key] = [strict(each) for each in told[key]]
    if "items" in told:
        told["items"] = strict(told["items"])
    if told.get("type") == "object" or "properties" in told:
        told |= {"additionalProperties": False, "required": list(told.get("properties", {}))}
    return told
