"""The endpoints a router can choose from, as values. Rows become these in prompts.completion."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at a server, with the key that opens it.

    `timeout_seconds` bounds the wait for the next chunk, `deadline_seconds` the whole answer.
    """

    name: str
    provider: str
    model: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    priority: int = 100
    context_tokens: int = 0
    max_output_tokens: int = 512
    timeout_seconds: float = 15.0
    deadline_seconds: float = 30.0
    # Which optional parameters the server takes, as {"max_tokens": true, "usage": false}.
    capabilities: dict[str, bool] = field(default_factory=dict)


SOP = Endpoint(name="sop", provider="sop", priority=1000)
