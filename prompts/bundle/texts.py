"""Objects as text, always the same for the same object: YAML a person can read, JSON by the line."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Line ends of other kinds, tabs and what is not seen must not be left to a block of text.
UNSEEN = frozenset("\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ufeff")


class Dumper(DUMPER):  # type: ignore[misc,valid-type]  # which one is decided at import
    """Texts of several lines as blocks, so that a review shows the line that changed."""


def as_block(dumper: Any, text: str) -> Any:
    style = "|" if fits_block(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def fits_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(lines) > 1
        and text.replace("\n", "").isprintable()
        and not UNSEEN & set(text)
        and text[:1] not in ("\n", " ")
        and not any(line != line.rstrip() for line in lines)
    )


Dumper.add_representer(str, as_block)


def as_yaml(said: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        dict(said),
        Dumper=Dumper,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=1_000_000,
    )
    return text


def as_json_line(said: Mapping[str, Any]) -> str:
    return f"{json.dumps(said, ensure_ascii=False)}\n"
