"""The vendors' own SDKs, pointed at a provider fake; for tests of the fake itself.

They retry nothing, give up after `PATIENT_SECONDS` and look at no proxy of the environment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import dashscope
import httpx
import openai

from tests.fakes.provider_control import ProviderControl

PATIENT_SECONDS = 5.0
HASTY_SECONDS = 0.4
ORDER_SCHEMA = {
    "type": "object",
    "properties": {"order_number": {"type": "string"}},
    "required": ["order_number"],
}


@contextmanager
def openai_client(base_url: str) -> Iterator[openai.OpenAI]:
    http = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(
        base_url=base_url, api_key="k", max_retries=0, timeout=PATIENT_SECONDS, http_client=http
    ) as made:
        yield made


@contextmanager
def anthropic_client(base_url: str) -> Iterator[anthropic.Anthropic]:
    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(
        base_url=base_url, api_key="k", max_retries=0, timeout=PATIENT_SECONDS, http_client=http
    ) as made:
        yield made


@contextmanager
def dashscope_client(base_url: str) -> Iterator[Any]:
    """A client whose base is the root of every call: text generation and decisions need one each."""
    # A client that is handed its connections adds neither key nor timeout to them.
    headers = {"authorization": "Bearer k"}
    with httpx.Client(
        base_url=base_url, headers=headers, timeout=PATIENT_SECONDS, trust_env=False
    ) as http:
        yield dashscope.Client(api_key="k", base_url=base_url, max_retries=0, http_client=http)


def post(fake: ProviderControl, path: str, body: object, **headers: str) -> httpx.Response:
    """What plain HTTP gets; bytes go out as they are. A keyword names a header, with "_" for "-"."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(trust_env=False) as http:
        return http.post(f"{fake.url}{path}", content=raw, headers=sent)


def settled_requests(fake: ProviderControl, count: int) -> list[dict[str, Any]]:
    """The log once `count` requests are over; the last bytes reach a client before the log closes."""
    deadline = time.monotonic() + PATIENT_SECONDS
    while time.monotonic() < deadline:
        summary = fake.log(limit=0)["summary"]
        if summary["seen"] >= count and summary["open"] == 0:
            break
        time.sleep(0.01)
    return fake.requests()
