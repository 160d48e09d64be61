"""The wires of decisions: OpenAI's /v1/decisions and DashScope's /compatible-mode/v1/systemone.

A model that decides says nothing, so there is no stream; errors are those of the chat wires beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from typing_extensions import override

from tests.fakes.provider_encoding import encode, json_bytes
from tests.fakes.provider_openai import CompatibleWire, OpenAIWire
from tests.fakes.provider_requests import check_bearer, read_body, read_model, read_text, refusal
from tests.fakes.provider_types import (
    Answer,
    Ask,
    Delivery,
    Json,
    Question,
    QuestionKind,
    UsagePlace,
)

_MAX_QUESTIONS = 400
_MAX_OPTIONS = 255
_DIGITS = 4
_SYSTEM_ONE_KINDS = {
    "noul": QuestionKind.PREDICATE,
    "choice": QuestionKind.CHOICE,
    "score": QuestionKind.SCORE,
}


class DecisionWire(OpenAIWire):
    """POST /v1/decisions: a list of questions, a list of answers."""

    @override
    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        check_bearer(headers)
        return read_body(raw, _decision_ask)

    @override
    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        answers: Json = [
            _decision(question, odds)
            for question, odds in zip(ask.questions, answer.odds, strict=False)
        ]
        if answer.refusal:
            answers = [{"type": "refusal", "name": each.name} for each in ask.questions]
        body = {"answers": answers or _scripted(answer, []), "model": ask.model}
        return json_bytes(body | _usage(ask, delivery, detailed=True))


class SystemOneWire(CompatibleWire):
    """POST /compatible-mode/v1/systemone: questions by name, answers under the same names."""

    @override
    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        check_bearer(headers)
        return read_body(raw, _system_one_ask)

    @override
    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        answers: Json = {
            question.name: _system_one(question, odds)
            for question, odds in zip(ask.questions, answer.odds, strict=False)
        }
        named = {"request_id": delivery.request_id, "model": ask.model}
        body = {**named, "answers": answers or _scripted(answer, {})}
        return json_bytes(body | _usage(ask, delivery, detailed=False))


def _scripted(answer: Answer, nothing: Json) -> Json:
    """What a scenario scripted as the answers, given as JSON; `nothing` when it is none."""
    try:
        return json.loads("".join(answer.pieces))
    except ValueError:
        return nothing


def _decision_ask(body: Mapping[str, Json]) -> Ask:
    model, fault = read_model(body.get("model"))
    given, rows = body.get("input"), body.get("questions")
    if not given:
        raise refusal("'input' is required.", param="input")
    if not isinstance(rows, list) or not 1 <= len(rows) <= _MAX_QUESTIONS:
        raise refusal(f"'questions' must hold 1 to {_MAX_QUESTIONS} questions.", param="questions")
    turns = [("user", given)] if isinstance(given, str) else [_turn(item) for item in given]
    questions = tuple(_question(row, f"questions[{at}]") for at, row in enumerate(rows))
    return _ask(model, turns, questions, fault=fault)


def _system_one_ask(body: Mapping[str, Json]) -> Ask:
    model, fault = read_model(body.get("model"))
    state, rows = body.get("state"), body.get("questions")
    if not state:
        raise refusal("'state' is required.", param="state")
    if not isinstance(rows, dict) or not rows:
        raise refusal("'questions' must not be empty.", param="questions")
    is_dialogue = isinstance(state, list) and all("role" in each for each in state)
    turns = [_turn(each) for each in state] if is_dialogue else [("user", _as_text(state))]
    questions = tuple(_system_one_question(name, row) for name, row in rows.items())
    return _ask(model, turns, questions, fault=fault)


def _ask(
    model: str, turns: list[tuple[str, str]], questions: tuple[Question, ...], *, fault: Json
) -> Ask:
    return Ask(
        model=model,
        system="",
        turns=tuple(turns),
        stream=False,
        include_usage=True,
        max_tokens=None,
        questions=questions,
        fault=fault,
    )


def _turn(item: Mapping[str, Json]) -> tuple[str, str]:
    """A message, or the call or result of a tool, as role and text."""
    said = item.get("content", item.get("output", item.get("arguments", item.get("input", ""))))
    parts = said if isinstance(said, list) else []
    data = "".join(encode(part["data"]) for part in parts if "data" in part)
    return item.get("role", "tool"), read_text(said) + data


def _as_text(state: Json) -> str:
    return state if isinstance(state, str) else encode(state)


def _question(row: Mapping[str, Json], param: str) -> Question:
    if row.get("type") not in set(QuestionKind):
        raise refusal("type must be 'predicate', 'choice' or 'score'.", param=param)
    kind = QuestionKind(row["type"])
    instructions = read_text(row.get("instructions"))
    if not instructions:
        raise refusal("instructions are required.", param=param)
    listed = row.get("choices") if kind is QuestionKind.CHOICE else row.get("levels")
    options = tuple(
        (each.get("value", each.get("label")), each.get("description", "")) for each in listed or ()
    )
    _check_options(kind, options, least=2, param=param)
    return Question(row.get("name"), kind, instructions, options)


def _system_one_question(name: str, row: Mapping[str, Json]) -> Question:
    param = f"questions.{name}"
    if row.get("type") not in _SYSTEM_ONE_KINDS:
        raise refusal("type must be 'choice', 'noul' or 'score'.", param=param)
    kind, criteria = _SYSTEM_ONE_KINDS[row["type"]], row.get("criteria") or ()
    options: tuple[tuple[str, str], ...] = ()
    if kind is QuestionKind.CHOICE:
        options = tuple(dict(criteria).items())
    elif kind is QuestionKind.SCORE:
        options = tuple((str(at), told) for at, told in enumerate(criteria))
    _check_options(kind, options, least=1 if kind is QuestionKind.CHOICE else 2, param=param)
    return Question(name, kind, row.get("instructions") or "", options)


def _check_options(
    kind: QuestionKind, options: tuple[tuple[Json, str], ...], *, least: int, param: str
) -> None:
    if kind is QuestionKind.PREDICATE:
        return
    if not least <= len(options) <= _MAX_OPTIONS:
        raise refusal(f"{least} to {_MAX_OPTIONS} options are needed.", param=param)
    if len(set(options)) < len(options):
        raise refusal("each option must be unique.", param=param)


def _decision(question: Question, odds: tuple[float, ...]) -> dict[str, Json]:
    named: dict[str, Json] = {"type": question.kind.value, "name": question.name}
    if question.kind is QuestionKind.PREDICATE:
        return {**named, "probability": round(odds[0], _DIGITS)}
    rows = [
        {"value": value, "probability": round(chance, _DIGITS)}
        for (value, _), chance in zip(question.options, odds, strict=True)
    ]
    sure = {"confidence": round(max(odds), _DIGITS)}
    if question.kind is QuestionKind.CHOICE:
        return {**named, "choice": _best(question, odds), **sure, "probabilities": rows}
    levels = [{**row, "value": at, "label": row["value"]} for at, row in enumerate(rows)]
    return {**named, "score": _mean(odds), **sure, "probabilities": levels}


def _system_one(question: Question, odds: tuple[float, ...]) -> dict[str, Json]:
    if question.kind is QuestionKind.PREDICATE:
        yes = round(odds[0], _DIGITS)
        return {"type": "noul", "noul": yes, "probabilities": {"true": yes, "false": _rest(yes)}}
    named: dict[str, Json] = {"type": question.kind.value}
    chances = {
        value: round(chance, _DIGITS)
        for (value, _), chance in zip(question.options, odds, strict=True)
    }
    rest = {"probabilities": chances, "confidence": round(max(odds), _DIGITS)}
    if question.kind is QuestionKind.CHOICE:
        return {**named, "choice": _best(question, odds), **rest}
    return {**named, "score": _mean(odds), **rest, "legend": dict(question.options)}


def _best(question: Question, odds: tuple[float, ...]) -> Json:
    return question.options[odds.index(max(odds))][0]


def _mean(odds: tuple[float, ...]) -> float:
    return round(sum(at * chance for at, chance in enumerate(odds)), _DIGITS)


def _rest(chance: float) -> float:
    return round(1 - chance, _DIGITS)


def _usage(ask: Ask, delivery: Delivery, *, detailed: bool) -> dict[str, Json]:
    """Under "usage": a token for each question comes out. Empty when a fault leaves the counts out."""
    if delivery.usage is UsagePlace.NOWHERE:
        return {}
    told, asked = delivery.prompt_tokens, len(ask.questions)
    usage: dict[str, Json] = {"input_tokens": told, "output_tokens": asked}
    usage["total_tokens"] = told + asked
    if detailed:
        usage["input_tokens_details"] = {"cached_tokens": 0, "cache_write_tokens": 0}
        usage["output_tokens_details"] = {"reasoning_tokens": 0}
    return {"usage": usage}
