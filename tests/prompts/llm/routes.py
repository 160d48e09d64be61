"""Options, policies and turns as the tests of the router want them, by hand and at random."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from prompts.llm.features import Arm, Features, Option, Situation, Tally
from prompts.llm.router import Effect, Policy, RoutingDecision, Rule, decide

LIGHT = Option(
    name="light", vendor="one", strength=1, price_in=0.001, price_out=0.002, quality=0.88
)
STANDARD = Option(
    name="standard", vendor="two", strength=2, price_in=0.004, price_out=0.008, quality=0.93
)
STRONG = Option(
    name="strong", vendor="one", strength=3, price_in=0.02, price_out=0.06, quality=0.97
)
POOL = (STRONG, STANDARD, LIGHT)
CALM = Features(intent="return", intent_p=0.9, intent_margin=0.6, input_tokens=1000)


def decided(
    *options: Option, policy: Policy | None = None, turn: Features = CALM, **situation: Any
) -> RoutingDecision:
    """The decision among the options, the usual three unless others are given."""
    return decide(turn, policy or Policy(), Situation(options=options or POOL, **situation))


def rejects(decision: RoutingDecision) -> dict[str, str]:
    return {candidate.name: candidate.reject_reason for candidate in decision.candidates}


# --- at random -----------------------------------------------------------------------------------------

# A busy machine is slow, not wrong.
EASY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from("abcdef")
SHARES = st.floats(0, 1)
# At most as many good ones as there are.
TALLIES = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(
    lambda pair: Tally(good=min(pair), n=max(pair))
)
OPTIONS = st.builds(
    Option,
    name=NAMES,
    vendor=st.sampled_from(["one", "two", "three"]),
    strength=st.sampled_from([1, 2, 3]),
    dispatcher=st.booleans(),
    has_key=st.sampled_from([True, True, True, False]),
    priority=st.integers(0, 3),
    context_tokens=st.sampled_from([0, 600, 100_000]),
    max_output_tokens=st.sampled_from([64, 512, 4096]),
    tools=st.booleans(),
    json_schema=st.booleans(),
    price_in=st.sampled_from([0.0, 0.001, 0.00102, 0.02]),
    price_out=st.sampled_from([0.0, 0.002, 0.06]),
    breaker=st.sampled_from(["closed", "closed", "half_open", "open"]),
    tokens_left=st.sampled_from([None, None, 0, 400, 1_000_000]),
    p95_ms=st.sampled_from([0.0, 300.0, 2500.0]),
    quality=SHARES,
    overall=TALLIES,
    of_cell=TALLIES,
)
TURNS = st.builds(
    Features,
    intent=st.sampled_from(["unknown", "return", "complaint"]),
    intent_p=SHARES,
    intent_margin=SHARES,
    emotion=st.sampled_from(["negative", "neutral", "positive"]),
    emotion_score=SHARES,
    input_tokens=st.sampled_from([0, 200, 5000]),
    needs_tools=st.booleans(),
    needs_json=st.booleans(),
    tier=st.sampled_from(["standard", "vip"]),
    order_value=st.floats(0, 10_000),
    bucket=st.integers(0, 99),
    current_endpoint=st.sampled_from(["", "a", "b", "gone"]),
    draw=SHARES,
    dispatched=st.sampled_from(["", "light", "standard", "strong", "failed"]),
)
WHENS = st.sampled_from(
    [
        {},
        {"tier": "vip"},
        {"emotion_score": {"$gte": 0.5}},
        {"$or": [{"intent": "return"}, {"needs_tools": True}]},
        {"$not": {"bucket": {"$lt": 50}}},
    ]
)
EFFECTS = st.one_of(
    st.builds(Effect, endpoint=NAMES),
    st.builds(Effect, strength=st.sampled_from(["light", "standard", "strong"])),
    st.builds(Effect, q_min=st.floats(0.01, 1)),
    st.just(Effect(offer_human=True)),
)
POLICIES = st.builds(
    Policy,
    version=st.one_of(st.integers(0, 9), st.text(max_size=5)),
    rules=st.lists(st.builds(Rule, st.just("r"), WHENS, EFFECTS), max_size=4).map(tuple),
    quality_standard=SHARES,
    quality_vip=SHARES,
    latency_weight=st.sampled_from([0.0, 0.01]),
    epsilon=st.sampled_from([0.0, 0.05, 0.5]),
    explore=st.sampled_from([0.0, 0.02, 0.5]),
    sticky=st.booleans(),
)
SITUATIONS = st.builds(
    Situation,
    options=st.lists(OPTIONS, unique_by=lambda o: o.name, max_size=6).map(tuple),
    load_level=st.sampled_from([0, 0, 0, 1, 2, 3]),
    stopped_budgets=st.sampled_from([(), (), ("day",)]),
    arms=st.lists(
        st.builds(
            Arm, st.just("trial"), st.integers(0, 50), st.integers(50, 99), st.sampled_from("abz")
        ),
        max_size=2,
    ).map(tuple),
)
