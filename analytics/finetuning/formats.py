"""Samples as the trainers of three worlds read them, a JSON object a line. Pure.

openai      {"messages": [{"role": "user", "content": …}, {"role": "assistant", …}, …]}
dashscope   the same; it knows no name and no weight
sharegpt    {"conversations": [{"from": "human", "value": …}, {"from": "gpt", …}, …]}, with a dataset_info.json
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from analytics.finetuning.sample import SPLITS, Sample, Split

SPEAKERS = {"user": "human", "assistant": "gpt"}


def as_messages(sample: Sample) -> dict[str, Any]:
    return {"messages": [{"role": line.role, "content": line.text} for line in sample.lines]}


def as_conversations(sample: Sample) -> dict[str, Any]:
    said = [{"from": SPEAKERS[line.role], "value": line.text} for line in sample.lines]
    return {"conversations": said}


FORMATS: Mapping[str, Callable[[Sample], dict[str, Any]]] = {
    "openai": as_messages,
    "dashscope": as_messages,
    "sharegpt": as_conversations,
}


def file_name(split: Split) -> str:
    return f"{split}.jsonl"


def described() -> str:
    """The dataset_info.json by which LLaMA-Factory finds and reads the three files."""
    entry = {"formatting": "sharegpt", "columns": {"messages": "conversations"}}
    tags = {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
    }
    found = {
        f"yingda_{split}": {"file_name": file_name(split), **entry, "tags": tags}
        for split in SPLITS
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
