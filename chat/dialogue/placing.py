"""Puts what a message gave where it belongs: into which topics, old or new, and what it corrects. Pure.

Used by chat.dialogue.advance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chat.dialogue.state import OPEN, Dialogue, Topic, find_topic
from prompts.nlu import repairs
from prompts.nlu.pointing import ORDER, ORDERS
from prompts.nlu.references import Resolution
from prompts.nlu.slots import Slot

# What a new topic takes over from the one before: who it is and what it is about, not what was wanted with it.
INHERITED = frozenset({
    ORDER, "order_tail", "courier_number", "courier", "phone", "name", "email", "product",
})  # fmt: skip
# They belong to an order, and go with it.
OF_ORDER = frozenset({*ORDERS, "courier_number", "courier", "product"})
# Asked of what one may buy: the product is not that of an order spoken of before.
BEFORE_BUYING = frozenset({"product_info", "stock", "promotion"})


@dataclass(frozen=True, slots=True)
class Move:
    """All topics after a message; the ids of those it was about, the first said first; slots without a topic, and
    which of these are in doubt.
    """

    topics: tuple[Topic, ...]
    targets: tuple[str, ...]
    loose: dict[str, str]
    doubtful: tuple[str, ...] = ()


def place(
    dialogue: Dialogue, said: Resolution, wanted: Sequence[str], *, spoken_of: str, turn: int
) -> Move:
    """The topics after a message that wants `wanted` and said `said`; `spoken_of` was current before it."""
    current = find_topic(dialogue, spoken_of)
    pairs = paired(wanted, orders_of(said))
    meant = find_topic(dialogue, said.topic_ref) or current
    if not wanted:
        if meant is None:
            return loosely(dialogue, said)
        pairs = [(meant.intent, order) for order in orders_of(said)] or [(meant.intent, None)]
        if not said.corrected and untouched(said, meant, current):
            return Move(dialogue.topics, (), dialogue.slots, dialogue.doubtful)
    topics, targets = list(dialogue.topics), []
    for intent, order in pairs:
        topic = find_home(topics, intent, order, said=said, meant=meant, of_meant=not wanted)
        if topic is None:
            topic = new_topic(
                topics, intent, order, dialogue=dialogue, said=said, meant=meant, turn=turn
            )
            topics.append(topic)
        elif said.corrected and current and topic.id == current.id:
            topics = corrected(topics, current, said, turn=turn)
        own = [order] if order else []
        own += [slot for slot in said.slots if slot.name not in ORDERS]
        at = next(i for i, each in enumerate(topics) if each.id == topic.id)
        topics[at] = filled(topics[at], own, said=said, turn=turn)
        targets.append(topic.id)
    return Move(tuple(topics), tuple(dict.fromkeys(targets)), dialogue.slots)


def orders_of(said: Resolution) -> list[Slot]:
    """The orders named, each once, in the order said."""
    found = {slot.value: slot for slot in said.slots if slot.name in ORDERS}
    return list(found.values())


def paired(wanted: Sequence[str], orders: Sequence[Slot]) -> list[tuple[str, Slot | None]]:
    """Which order is for which intent: one for all, all for one, else one each in the order said."""
    if not orders:
        return [(intent, None) for intent in wanted]
    if not wanted:
        return []
    count = max(len(wanted), len(orders))
    return [
        (wanted[min(i, len(wanted) - 1)], orders[min(i, len(orders) - 1)]) for i in range(count)
    ]


def untouched(said: Resolution, meant: Topic, current: Topic | None) -> bool:
    """True where the message says nothing for a topic and leads to no other one."""
    stays = current is not None and meant.id == current.id
    return stays and not (said.slots or said.doubtful or said.skipped)


def loosely(dialogue: Dialogue, said: Resolution) -> Move:
    """No topic yet: what is given waits for one."""
    loose = dict(dialogue.slots)
    for slot in said.slots:
        if slot.name in ORDERS:
            loose = {n: v for n, v in loose.items() if n not in ORDERS}
        loose[slot.name] = slot.value
    given = {slot.name for slot in said.slots}
    held = (name for name in dialogue.doubtful if name not in given)
    return Move(dialogue.topics, (), loose, merged(held, said.doubtful))


def find_home(
    topics: Sequence[Topic],
    intent: str,
    order: Slot | None,
    *,
    said: Resolution,
    meant: Topic | None,
    of_meant: bool,
) -> Topic | None:
    """The topic that the intent, with this order, goes on with; None where it is a new one.

    `of_meant`: no intent was said, so that it is that of the topic meant.
    """
    same = [topic for topic in topics if topic.intent == intent]
    if meant in same:
        same.remove(meant)
        same.insert(0, meant)
    same.sort(key=lambda topic: topic.state != OPEN)
    if said.corrected and meant in same and (of_meant or order is None or len(same) == 1):
        return meant
    if order is not None:
        holding = [topic for topic in same if holds(topic, order)]
        return next(iter(holding or [topic for topic in same if is_free(topic)]), None)
    if ORDER in said.doubtful:
        return next((topic for topic in same if is_free(topic)), None)
    return meant if meant in same else next(iter(same), None)


def holds(topic: Topic, order: Slot) -> bool:
    number, tail = topic.slots.get(ORDER, ""), topic.slots.get("order_tail", "")
    if order.name == ORDER:
        return order.value == number or bool(tail and not number and order.value.endswith(tail))
    return tail == order.value or number.endswith(order.value)


def is_free(topic: Topic) -> bool:
    """True where no order was said for the topic, or it is in doubt."""
    if topic.state != OPEN:
        return False
    said = [name for name in ORDERS if name in topic.slots and name not in topic.inherited]
    return not said or ORDER in topic.doubtful


def new_topic(
    topics: Sequence[Topic],
    intent: str,
    order: Slot | None,
    *,
    dialogue: Dialogue,
    said: Resolution,
    meant: Topic | None,
    turn: int,
) -> Topic:
    """A topic with what it takes over from the one before."""
    source = meant.slots if meant else dialogue.slots
    inherited = {name: value for name, value in source.items() if name in INHERITED}
    known = source.get(ORDER) or source.get("order_tail")
    other = order is not None and known is not None and not known.endswith(order.value)
    if other or (order is None and ORDER in said.doubtful) or known in said.rejected:
        inherited = {name: value for name, value in inherited.items() if name not in OF_ORDER}
    if meant and meant.intent in BEFORE_BUYING and intent not in BEFORE_BUYING:
        inherited.pop("product", None)
    unsure = meant.doubtful if meant else dialogue.doubtful
    doubtful = tuple(name for name in unsure if name in inherited)
    number = max((int(topic.id[1:]) for topic in topics if topic.id[1:].isdecimal()), default=0)
    return Topic(
        id=f"t{number + 1}",
        intent=intent,
        slots=inherited,
        given=dict.fromkeys(inherited, turn),
        inherited=tuple(inherited),
        doubtful=doubtful,
        opened=turn,
    )


def filled(topic: Topic, slots: Sequence[Slot], *, said: Resolution, turn: int) -> Topic:
    """The topic with the slots said for it."""
    values, given = dict(topic.slots), dict(topic.given)
    names = {slot.name for slot in slots}
    if names & set(ORDERS):
        values = {n: v for n, v in values.items() if n not in ORDERS or n in names}
    for slot in slots:
        values[slot.name], given[slot.name] = slot.value, turn
    unsure = {slot.name for slot in slots if slot.name in said.doubtful}
    asked = {name for name in said.doubtful if name not in names}
    skipped = tuple(name or "order_number" for name in said.skipped)
    sure = names - unsure
    if "order_tail" in sure:
        sure |= {ORDER}
    return replace(
        topic,
        state=OPEN,
        touched=turn,
        slots=values,
        given={name: at for name, at in given.items() if name in values},
        inherited=tuple(n for n in topic.inherited if n not in names and n in values),
        doubtful=merged((n for n in topic.doubtful if n not in sure), sorted(unsure | asked)),
        skipped=merged((n for n in topic.skipped if n not in names), skipped),
        rejected=tuple(v for v in topic.rejected if v not in set(values.values())),
    )


def merged(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def corrected(
    topics: Sequence[Topic], current: Topic, said: Resolution, *, turn: int
) -> list[Topic]:
    """The topics with the current one's wrong values replaced or taken away, wherever they came from there.

    Who mistyped a number mistyped it for every topic; who meant another order may still want both.
    """
    changes = {slot.name: slot.value for slot in said.slots if slot.name not in ORDERS}
    order = next((slot for slot in said.slots if slot.name in ORDERS), None)
    everywhere = repairs.SLIP in said.flags
    after = []
    for topic in topics:
        mine = topic.id == current.id
        for name, value in changes.items():
            if not mine and follows(topic, current, name, everywhere=everywhere):
                topic = filled(topic, [Slot(name, value, 0, 0)], said=said, turn=turn)
        name = next((name for name in ORDERS if name in current.slots), "")
        if name and (mine or follows(topic, current, name, everywhere=everywhere)):
            topic = reordered(topic, order, said=said, turn=turn)
        after.append(topic)
    return after


def follows(topic: Topic, current: Topic, name: str, *, everywhere: bool) -> bool:
    """True where the topic has the current one's value, and not from before it."""
    if topic.state != OPEN or name not in current.slots:
        return False
    same = topic.slots.get(name) == current.slots[name]
    later = topic.given.get(name, 0) >= current.given.get(name, 0)
    return same and (later or everywhere)


def reordered(topic: Topic, order: Slot | None, *, said: Resolution, turn: int) -> Topic:
    """The topic about another order than it was; about one to be asked for, where none is given."""
    held = [topic.slots[name] for name in ORDERS if name in topic.slots]
    if order is not None and any(value == order.value for value in held):
        return topic
    if order is None and ORDER not in said.doubtful:
        return topic
    # What was typed wrong is the same order still; another order has another parcel.
    gone = ORDERS if repairs.SLIP in said.flags else OF_ORDER - {slot.name for slot in said.slots}
    values = {name: value for name, value in topic.slots.items() if name not in gone}
    bare = replace(topic, slots=values, rejected=merged(topic.rejected, held))
    return filled(bare, [order] if order else [], said=said, turn=turn)
