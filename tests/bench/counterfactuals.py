"""`python -m tests.bench.counterfactuals --turns N --out F [--seed S]`: a made-up table for `manage.py replay_routing`.

Every turn is really put to three models of the provider fake, and the JSON each answers is judged by its schema. How
often a model breaks the schema is planted by strength, intent, mood and length, so that what a report says can be held
to what was put in. Every row says that it is synthetic.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from prompts import default_files
from prompts.llm.features import Emotion, Features, Option, length_bucket
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_latency import PRESETS
from tests.fakes.provider_topics import ANGRY_WORDS

# The fake speaks so much faster than the models it plays, so that a table takes seconds; times are given as theirs.
PACE = 50
WORKERS = 16
SYSTEM = "你是网店客服,只用 JSON 回答。"
KNOWLEDGE = "本店支持七天无理由退换,签收后请保留包装与票据,运费以页面为准。"
# Copies of KNOWLEDGE that make a request short, medium or long.
PADDING = {"short": 2, "medium": 30, "long": 110}
SCHEMA_VIOLATION = "@fault:schema-violation"

MODELS = (
    Option("light", "one", strength=1, price_in=0.0003, price_out=0.0006, dispatcher=True),
    Option("standard", "two", strength=2, price_in=0.0024, price_out=0.0096, quality=0.93),
    Option("strong", "three", strength=3, price_in=0.0125, price_out=0.05, quality=0.96),
)
ABILITIES: dict[str, Any] = {"tools": True, "json_schema": True, "context_tokens": 128_000}
HARD = {
    *("complaint", "damaged_or_wrong", "refund", "return", "exchange", "repair"),
    "price_protection",
}
# By strength: the share of good answers where a question is easy, and where it is hard.
EASY_GOOD, HARD_GOOD = (0.975, 0.978, 0.98), (0.55, 0.88, 0.97)
# What an angry customer and a long request take off.
ANGRY_COSTS, LONG_COSTS = (0.05, 0.01, 0.0), (0.03, 0.005, 0.0)
UNSURE_SHARE, MISREAD_SHARE = 0.15, 0.5
DISPATCHER_RIGHT, DISPATCHER_FAILS = 0.85, 0.03
ENOUGH = 0.9


class Answer(BaseModel):
    """What every model is asked for, and by which its answer is judged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reply: Annotated[str, StringConstraints(min_length=1)]
    intent: Annotated[str, StringConstraints(min_length=1)]
    needs_human: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn to be asked: `intent` is what it is about, `features.intent` what the analysis took it for."""

    name: str
    question: str
    intent: str
    features: Features


Planted = Callable[[Turn, Option], float]


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(arguments)
    with running() as provider, Path(chosen.out).open("w", encoding="utf-8") as file:
        for number, row in enumerate(table(provider, turns=chosen.turns, seed=chosen.seed)):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if number and number % 500 == 0:
                print(f"turns: {number}/{chosen.turns}", file=sys.stderr)
    print(f"synthetic table of {chosen.turns} turns: {chosen.out}", file=sys.stderr)
    return 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description="Makes a synthetic table of outcomes.")
    found.add_argument("--turns", type=int, default=3000)
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--out", required=True)
    return found


def planted(turn: Turn, option: Option) -> float:
    """The chance of a good answer."""
    at = option.strength - 1
    good = (HARD_GOOD if turn.intent in HARD else EASY_GOOD)[at]
    if turn.features.emotion == "negative":
        good -= ANGRY_COSTS[at]
    if length_bucket(turn.features.input_tokens) == "long":
        good -= LONG_COSTS[at]
    return good


def table(
    provider: ProviderControl, *, turns: int, seed: int = 0, quality: Planted = planted
) -> Iterator[dict[str, Any]]:
    """The rows of the table, the endpoints first; the same again for the same seed."""
    provider.reset()
    provider.set_scenario({"latency": {f"fake-{name}": pace(name) for name in PRESETS}})
    yield {"endpoints": [asdict(replace(option, **ABILITIES)) for option in MODELS]}
    asked = make_turns(turns, seed=seed)
    with (
        httpx.Client(base_url=provider.base_url, trust_env=False, timeout=60.0) as http,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        yield from pool.map(lambda turn: row_of(turn, http, seed=seed, quality=quality), asked)


def pace(name: str) -> dict[str, Any]:
    played = PRESETS[name]
    return {
        "ttft_ms": played.ttft_ms / PACE,
        "interval_ms": played.interval_ms / PACE,
        "jitter": played.jitter,
        "ttft_jitter": played.ttft_jitter,
    }


# --- turns ---------------------------------------------------------------------------------------------


def make_turns(count: int, *, seed: int) -> list[Turn]:
    draw = Random(f"turns {seed}")
    questions = default_questions()
    intents = sorted({intent for _, intent in questions})
    return [make_turn(f"t{at:06d}", draw, questions, intents) for at in range(count)]


def default_questions() -> list[tuple[str, str]]:
    """(question, intent) of every SOP a fresh installation has in Chinese."""
    return [
        (question, entry.content["intent"])
        for entry in default_files.read()
        if entry.kind == "sop" and entry.language == "zh"
        for question in entry.content["questions"]
    ]


def make_turn(
    name: str, draw: Random, questions: Sequence[tuple[str, str]], intents: Sequence[str]
) -> Turn:
    question, intent = draw.choice(questions)
    emotion: Emotion = draw.choices(("negative", "neutral", "positive"), (2, 6, 2))[0]
    if emotion == "negative":
        question = f"{draw.choice(ANGRY_WORDS[:6])},{question}"
    unsure = draw.random() < UNSURE_SHARE
    misread = unsure and draw.random() < MISREAD_SHARE
    length = draw.choices(tuple(PADDING), (5, 3, 2))[0]
    return Turn(
        name=name,
        question=question,
        intent=intent,
        features=Features(
            intent=draw.choice(intents) if misread else intent,
            intent_p=0.4 if unsure else 0.9,
            intent_margin=round(draw.uniform(0.0, 0.14) if unsure else draw.uniform(0.2, 0.9), 3),
            emotion=emotion,
            emotion_score=round(draw.uniform(0.5, 1.0), 3) if emotion == "negative" else 0.1,
            input_tokens=int(0.75 * len(SYSTEM + KNOWLEDGE * PADDING[length] + question)),
            turn_number=draw.randint(1, 6),
            tier="vip" if draw.random() < 0.1 else "standard",
            order_value=round(draw.uniform(20, 2000), 2),
            bucket=draw.randrange(100),
            draw=round(draw.random(), 6),
        ),
    )


# --- outcomes ------------------------------------------------------------------------------------------


def row_of(turn: Turn, http: httpx.Client, *, seed: int, quality: Planted) -> dict[str, Any]:
    outcomes = {}
    for option in MODELS:
        good = Random(f"{seed} {turn.name} {option.name}").random() < quality(turn, option)
        outcomes[option.name] = ask(turn, option, http, spoilt=not good)
    return {
        "turn": turn.name,
        "features": asdict(turn.features),
        "outcomes": outcomes,
        "dispatcher": dispatch(turn, seed=seed, quality=quality),
        "synthetic": True,
    }


def ask(turn: Turn, option: Option, http: httpx.Client, *, spoilt: bool) -> dict[str, Any]:
    """What the model answered, judged by the schema alone; cost by its price, times as it announced them."""
    reply = http.post(
        "/chat/completions",
        headers={"Authorization": "Bearer fake"},
        json={
            "model": f"fake-{option.name}{SCHEMA_VIOLATION if spoilt else ''}",
            "messages": messages(turn),
            # The fake takes an equal body for another attempt, which would be paced differently.
            "user": turn.name,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": Answer.model_json_schema()},
            },
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ).raise_for_status()
    text, usage = read_stream(reply.text)
    timing = dict(part.split("=") for part in reply.headers["x-fake-timing"].split(";"))
    cost = usage["prompt_tokens"] * option.price_in + usage["completion_tokens"] * option.price_out
    return {
        "good": is_good(text),
        "cost": round(cost / 1000, 8),
        "ttft_ms": round(float(timing["ttft"]) * PACE, 1),
        "total_ms": round(float(timing["total"]) * PACE, 1),
    }


def messages(turn: Turn) -> list[dict[str, str]]:
    """A request about as long as `features.input_tokens` says."""
    missing = turn.features.input_tokens - 0.75 * len(SYSTEM + turn.question)
    knowledge = KNOWLEDGE * round(missing / (0.75 * len(KNOWLEDGE)))
    return [
        {"role": "system", "content": SYSTEM + knowledge},
        {"role": "user", "content": turn.question},
    ]


def read_stream(body: str) -> tuple[str, dict[str, int]]:
    """The whole text of a streamed answer, and its token counts."""
    frames = [
        json.loads(line.removeprefix("data: "))
        for line in body.splitlines()
        if line.startswith("data: {")
    ]
    deltas = [frame["choices"][0]["delta"] for frame in frames if frame["choices"]]
    usage: dict[str, int] = frames[-1]["usage"]
    return "".join(delta.get("content") or "" for delta in deltas), usage


def is_good(text: str) -> bool:
    try:
        Answer.model_validate_json(text)
    except ValidationError:
        return False
    return True


def dispatch(turn: Turn, *, seed: int, quality: Planted) -> dict[str, Any]:
    """What a dispatcher says: mostly the lightest model that is good enough, sometimes another, seldom nothing."""
    draw = Random(f"{seed} {turn.name} dispatcher")
    enough = [option.name for option in MODELS if quality(turn, option) >= ENOUGH]
    right = enough[0] if enough else MODELS[-1].name
    said = right
    if draw.random() >= DISPATCHER_RIGHT:
        said = draw.choice([option.name for option in MODELS if option.name != right])
    if draw.random() < DISPATCHER_FAILS:
        said = "failed"
    light = MODELS[0]
    cost = (200 * light.price_in + 10 * light.price_out) / 1000
    return {"said": said, "cost": round(cost, 8), "ms": round(draw.uniform(90, 280), 1)}


if __name__ == "__main__":
    sys.exit(main())
