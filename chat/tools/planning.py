"""Which tools a turn calls by itself: those whose intent was said and whose arguments the slots give. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.dialogue import Dialogue, Topic, open_topics
from chat.tools import arguments as args
from chat.tools.arguments import Arguments
from chat.tools.registry import Spec


@dataclass(frozen=True, slots=True)
class Step:
    """One tool for one topic. `missing` are the slots still to be asked for; with any, nothing is called."""

    spec: Spec
    topic: Topic
    arguments: Arguments
    missing: tuple[str, ...] = ()


def plan(specs: Sequence[Spec], after: Dialogue) -> tuple[Step, ...]:
    """The steps of a turn in the order they were asked for; `after` is the dialogue that knows of its lines.

    What is doubtful has to be confirmed before anything is done with it, so it counts as missing.
    """
    turn = after.turns + 1
    spoken_of = [topic for topic in open_topics(after) if topic.touched == turn]
    found = [step_of(spec, topic) for topic in spoken_of if (spec := find_tool(specs, topic))]
    distinct: list[Step] = []
    for step in found:
        known = ((each.spec, each.arguments) for each in distinct)
        if (step.spec, step.arguments) not in known:
            distinct.append(step)
    return tuple(distinct)


def find_tool(specs: Sequence[Spec], topic: Topic) -> Spec | None:
    return next((spec for spec in specs if topic.intent in spec.intents), None)


def step_of(spec: Spec, topic: Topic) -> Step:
    sure = {name: value for name, value in topic.slots.items() if name not in topic.doubtful}
    arguments = args.from_slots(spec, sure)
    return Step(spec, topic, arguments, args.missing(spec, arguments))
