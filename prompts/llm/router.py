"""Chooses who answers, and says why. A pure function of its arguments."""

from dataclasses import asdict, dataclass

from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.types import Request

# Han characters and ASCII letters cost about this many tokens each (measured on three tokenizers).
TOKENS_PER_HAN, TOKENS_PER_ASCII = 0.75, 0.3


@dataclass(frozen=True, slots=True)
class Candidate:
    endpoint: str
    feasible: bool
    reject_reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The endpoints to try in order, and how the choice came about."""

    plan: tuple[Endpoint, ...]
    cause: str
    candidates: tuple[Candidate, ...]

    def as_json(self) -> dict[str, object]:
        """What is stored with the turn; holds no key."""
        return {
            "chosen": self.plan[0].name,
            "plan": [endpoint.name for endpoint in self.plan],
            "cause": self.cause,
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }


def decide(endpoints: tuple[Endpoint, ...], request: Request) -> Decision:
    """The feasible endpoints by priority, and the SOP answers behind them all."""
    tokens = estimate_tokens(request)
    judged = [(endpoint, reject_reason(endpoint, tokens=tokens)) for endpoint in endpoints]
    feasible = sorted((e for e, reason in judged if not reason), key=lambda e: (e.priority, e.name))
    return Decision(
        plan=(*feasible, SOP),
        cause="priority" if feasible else "no_model",
        candidates=tuple(Candidate(e.name, not reason, reason) for e, reason in judged),
    )


def reject_reason(endpoint: Endpoint, *, tokens: int) -> str:
    """Why `endpoint` cannot answer, or an empty string."""
    if not endpoint.api_key:
        return "no_key"
    if endpoint.context_tokens and tokens + endpoint.max_output_tokens > endpoint.context_tokens:
        return "context"
    return ""


def estimate_tokens(request: Request) -> int:
    """A rough count of the request's tokens, rounded up."""
    text = "".join(line.text for line in request.lines)
    ascii_chars = sum(map(str.isascii, text))
    return int((len(text) - ascii_chars) * TOKENS_PER_HAN + ascii_chars * TOKENS_PER_ASCII) + 1
