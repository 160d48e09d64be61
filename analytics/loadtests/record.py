"""The file of a load test, as the load generator writes it and as the platform completes it. Plain values."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

FORMAT = 1
TURNS_MOST = 2_000_000
Milliseconds = float


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Asked(Strict):
    """One question: when it was due, and how long after that the first piece and the whole of its answer were there."""

    due_ms: Milliseconds
    first_ms: Milliseconds | None = Field(ge=0)
    total_ms: Milliseconds | None = Field(ge=0)
    turn: str | None = Field(max_length=40)
    # Empty: answered by the bot.
    error: str = Field(max_length=40, pattern=r"^[a-z0-9_]*$")

    @property
    def is_answered(self) -> bool:
        return not self.error and self.total_ms is not None


class Figures(Strict):
    """What a group of questions came to. Times are of those answered; None: none was."""

    # The endpoint that answered last; "" where no model did.
    model: str = Field(max_length=80)
    sent: int = Field(ge=0)
    answered: int = Field(ge=0)
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    first_p50_ms: float | None
    first_p95_ms: float | None
    # Of all calls for a turn, averaged over turns that a model had a part in; None: not known here.
    tokens_in: float | None = None
    tokens_out: float | None = None

    @property
    def success(self) -> float | None:
        return self.answered / self.sent if self.sent else None


class Platform(Strict):
    """What was under load, as it says itself."""

    version: str = Field(max_length=40)
    commit: str = Field(max_length=40)
    cores: int = Field(ge=1)


class Record(Strict):
    """One run: with its questions as the load generator saw them, or completed, with the figures of them."""

    format: Literal[1]
    run: UUID
    at: AwareDatetime
    mode: Literal["closed", "open"]
    users: int = Field(ge=1)
    # Questions a second; of open runs only.
    rate: float | None = Field(default=None, gt=0)
    seconds: float = Field(gt=0)
    generator_cores: int = Field(ge=1)
    # Whether generator and platform shared one machine.
    shared: bool = False
    note: str = Field(default="", max_length=200)
    turns: list[Asked] | None = Field(default=None, max_length=TURNS_MOST)
    platform: Platform | None = None
    errors: dict[str, int] = Field(default_factory=dict)
    whole: Figures | None = None
    models: list[Figures] = Field(default_factory=list, max_length=200)

    @model_validator(mode="after")
    def check_parts(self) -> "Record":
        if (self.mode == "open") != (self.rate is not None):
            raise ValueError("an open run has a rate, a closed one has none")
        if (self.turns is None) == (self.whole is None):
            raise ValueError("a file holds either the questions or the figures")
        if self.whole is not None and self.platform is None:
            raise ValueError("figures without the platform they are of")
        return self


class Unreadable(ValueError):
    """Not the file of a load test; the message is one line for whoever gave it."""


def read(content: bytes) -> Record:
    """Raises Unreadable."""
    try:
        return Record.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise Unreadable(f"{place}: {first['msg']}") from None


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")
