"""The dialogue after one more turn: which topics are open, what each knows, what kind of turn it was. Pure.

Called by chat.turn with what chat.analysis understood; chat.memory counts, dates and stores the result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from chat.dialogue.placing import BEFORE_BUYING, Move, place
from chat.dialogue.state import (
    OPEN,
    SETTLED,
    WITHDRAWN,
    Dialogue,
    Topic,
    Understood,
    find_topic,
    open_topics,
    taken_up,
)
from chat.dialogue.titles import title_of
from prompts.nlu import references, repairs
from prompts.nlu.pointing import ORDER

# They open no topic: they say something about the turn, or nothing.
NO_TOPIC = frozenset({"human", "provide_info", "confirm", "thanks_bye", "greeting", "other"})
CHIT_CHAT = frozenset({"thanks_bye", "greeting", "other"})
# Answered in the turn they are asked in; left behind, they are not open any more.
ANSWERED_AT_ONCE = frozenset({"product_info", "promotion", "stock"})
# A "thank you" ends them, since nothing is left to do.
INFORMATION = ANSWERED_AT_ONCE | {"order_status", "logistics", "payment", "account"}
REPAIRS = (
    "correction", "withdraw", "repeat", "clarify", "skip", "return", "digression", "cannot_handle", "chit_chat",
)  # fmt: skip
TOPICS_KEPT = 16
ORDERS_KEPT = 16
# A wish that is surer than this is one beside a refusal, too.
CLEAR = 0.8
MOODS_KEPT = 8
SUMMARY_TOPICS = 5
ARROW = " → "


def advance(dialogue: Dialogue, understood: Understood) -> Dialogue:
    """The state after a turn that said `understood`; `rev`, `turns` and `at_seconds` are left to chat.memory.

    No other topic loses a slot by it, while TOPICS_KEPT topics at most are known.
    """
    before = begun(dialogue, understood)
    turn = dialogue.turns + 1
    given_up = given_up_ids(before, understood)
    after = closed(before, given_up, state=WITHDRAWN, turn=turn)
    wanted = wanted_intents(understood, before, given_up)
    if given_up and not wanted:
        move = Move(after.topics, (), after.slots, after.doubtful)
    else:
        move = place(after, understood.said, wanted, spoken_of=before.current, turn=turn)
    after = answered(moved(after, move), before, move)
    after = doubts_settled(after, understood, turn=turn)
    if thanked(understood) and not move.targets:
        after = settled_by_thanks(after, turn=turn)
    repair = repair_of(before, after, understood, given_up=given_up, move=move)
    return described(after, before, understood, repair=repair)


def begun(dialogue: Dialogue, understood: Understood) -> Dialogue:
    """The state to start from: the earlier one where it is taken up, an old release's as a topic."""
    if understood.said.topic_ref == references.EARLIER:
        dialogue = replace(dialogue, **taken_up(dialogue.earlier))
    if dialogue.earlier:
        dialogue = replace(dialogue, earlier={})
    if dialogue.topics or not (dialogue.intent or dialogue.topic):
        return dialogue
    given = dict.fromkeys(dialogue.slots, dialogue.turns)
    topic = Topic("t1", dialogue.intent, dialogue.topic, dict(dialogue.slots), given)
    return replace(dialogue, topics=(topic,), current=topic.id)


def wanted_intents(
    understood: Understood, before: Dialogue, given_up: Sequence[str]
) -> tuple[str, ...]:
    """The intents that are topics, in the order said, without those that are given up."""
    names = [name for name, _ in understood.intents if name not in NO_TOPIC]
    dropped = set(understood.said.withdrawn) | answered_intents(understood, before)
    dropped |= {topic.intent for topic in before.topics if topic.id in given_up}
    if given_up and understood.said.withdrawn:
        # "Cancel the return" cancels no order.
        dropped.add("cancel_order")
    return tuple(dict.fromkeys(name for name in names if name not in dropped))


def answered_intents(understood: Understood, before: Dialogue) -> frozenset[str]:
    """Intents heard in words that only answer what was asked for the topic in hand."""
    topic = find_topic(before, before.current)
    if topic is None or topic.state != OPEN:
        return frozenset()
    said = understood.said
    dropped: frozenset[str] = frozenset()
    if repairs.SKIP in said.flags:
        # "I have no order number" asks nothing about the order, whatever is faintly heard in it.
        faint = {name for name, p in understood.intents if p < CLEAR}
        dropped = (frozenset({"order_status"}) | faint) - {topic.intent}
    of_goods = topic.intent not in BEFORE_BUYING | INFORMATION
    if of_goods and (not said.asks or said.topic_ref == topic.id):
        # "Size 42 please", "can it be done before it ships" are about the exchange in hand.
        dropped |= BEFORE_BUYING
    return dropped


def given_up_ids(before: Dialogue, understood: Understood) -> tuple[str, ...]:
    """The topics that are given up: those named, with the same order's, or the current one."""
    said = understood.said
    named = [topic for topic in open_topics(before) if topic.intent in said.withdrawn]
    if named:
        chosen = next((topic for topic in named if topic.id == before.current), named[0])
        order = chosen.slots.get(ORDER)
        return tuple(t.id for t in named if t.slots.get(ORDER) == order)
    # An angry "forget it" gives nothing up; whoever wants a person wants it settled by them.
    calm = understood.emotion != "negative" and not understood.wants_human
    if repairs.WITHDRAW in said.flags and not said.withdrawn and calm:
        current = find_topic(before, before.current)
        return (current.id,) if current and current.state == OPEN else ()
    return ()


def closed(dialogue: Dialogue, ids: Iterable[str], *, state: str, turn: int) -> Dialogue:
    """The dialogue with these topics closed; the latest open one becomes current again, if any."""
    ids = frozenset(ids)
    if not ids:
        return dialogue
    topics = tuple(
        replace(topic, state=state, touched=turn) if topic.id in ids else topic
        for topic in dialogue.topics
    )
    dialogue = replace(dialogue, topics=topics)
    if dialogue.current in ids:
        remaining = open_topics(dialogue)
        keeps = state == SETTLED and not remaining
        current = dialogue.current if keeps else next((t.id for t in remaining), "")
        dialogue = replace(dialogue, current=current)
    return dialogue


def moved(dialogue: Dialogue, move: Move) -> Dialogue:
    """The dialogue with the topics as placed, those of this turn on top, the first said first."""
    if not move.targets and move.topics is dialogue.topics:
        return replace(dialogue, slots=move.loose, doubtful=move.doubtful)
    on_top = [topic for id_ in move.targets for topic in move.topics if topic.id == id_]
    topics = on_top + [topic for topic in move.topics if topic.id not in move.targets]
    return replace(
        dialogue,
        topics=kept(topics),
        current=on_top[0].id if on_top else dialogue.current,
        slots=move.loose,
        doubtful=() if on_top else move.doubtful,
    )


def kept(topics: list[Topic]) -> tuple[Topic, ...]:
    """At most TOPICS_KEPT topics: closed ones go first, then the longest untouched."""
    surplus = len(topics) - TOPICS_KEPT
    if surplus <= 0:
        return tuple(topics)
    oldest_first = topics[::-1]
    leaving = sorted(oldest_first, key=lambda topic: topic.state == OPEN)[:surplus]
    gone = {topic.id for topic in leaving}
    return tuple(topic for topic in topics if topic.id not in gone)


def answered(after: Dialogue, before: Dialogue, move: Move) -> Dialogue:
    """Questions that are answered at once are settled when they are left."""
    left = {
        topic.id
        for topic in after.topics
        if topic.state == OPEN and topic.intent in ANSWERED_AT_ONCE and topic.id not in move.targets
    }
    if after.current == before.current or not left:
        return after
    topics = tuple(replace(t, state=SETTLED) if t.id in left else t for t in after.topics)
    return replace(after, topics=topics)


def doubts_settled(dialogue: Dialogue, understood: Understood, *, turn: int) -> Dialogue:
    """A yes confirms what was doubtful in the current topic; a no takes it away, to be asked for again."""
    topic = find_topic(dialogue, dialogue.current)
    if topic is None:
        return loose_settled(dialogue, understood)
    fresh = understood.said.doubtful
    doubtful = [n for n in topic.doubtful if n not in fresh]
    held = [name for name in doubtful if name in topic.slots]
    if doubtful and is_denied(understood):
        slots = {name: value for name, value in topic.slots.items() if name not in held}
        rejected = (*topic.rejected, *(topic.slots[name] for name in held))
        return with_topic(dialogue, replace(topic, slots=slots, rejected=rejected, touched=turn))
    if doubtful and is_confirmed(understood):
        left = tuple(name for name in topic.doubtful if name not in held)
        given = topic.given | dict.fromkeys(held, turn)
        return with_topic(dialogue, replace(topic, doubtful=left, given=given))
    return dialogue


def loose_settled(dialogue: Dialogue, understood: Understood) -> Dialogue:
    """The same for slots that wait for a topic."""
    doubtful = [n for n in dialogue.doubtful if n not in understood.said.doubtful]
    if doubtful and is_denied(understood):
        slots = {name: value for name, value in dialogue.slots.items() if name not in doubtful}
        return replace(dialogue, slots=slots)
    if doubtful and is_confirmed(understood):
        left = tuple(name for name in dialogue.doubtful if name not in doubtful)
        return replace(dialogue, doubtful=left)
    return dialogue


def is_denied(understood: Understood) -> bool:
    return repairs.DENY in understood.said.flags


def is_confirmed(understood: Understood) -> bool:
    """A yes; "no, the other one" and "never mind" are heard as one, too, and are none."""
    said = understood.said
    taken_back = said.corrected or said.rejected or repairs.WITHDRAW in said.flags
    return not taken_back and any(name == "confirm" for name, _ in understood.intents)


def with_topic(dialogue: Dialogue, changed: Topic) -> Dialogue:
    topics = tuple(changed if topic.id == changed.id else topic for topic in dialogue.topics)
    return replace(dialogue, topics=topics)


def thanked(understood: Understood) -> bool:
    """Thanks that are meant."""
    names = {name for name, _ in understood.intents}
    return "thanks_bye" in names and understood.emotion != "negative"


def settled_by_thanks(dialogue: Dialogue, *, turn: int) -> Dialogue:
    topic = find_topic(dialogue, dialogue.current)
    if topic and topic.state == OPEN and topic.intent in INFORMATION:
        return closed(dialogue, [topic.id], state=SETTLED, turn=turn)
    return dialogue


def repair_of(
    before: Dialogue,
    after: Dialogue,
    understood: Understood,
    *,
    given_up: Sequence[str],
    move: Move,
) -> str:
    """What kind of turn it was, see REPAIRS; "" for plain asking and giving."""
    said = understood.said
    names = {name for name, _ in understood.intents}
    nothing_said = not (names or said.slots or said.flags or said.topic_ref or move.targets)
    interrupted = find_topic(after, before.current)
    left = after.current != before.current and interrupted is not None and not given_up
    known = after.current in {topic.id for topic in before.topics}
    signs = {
        "correction": said.corrected,
        "withdraw": bool(given_up),
        "repeat": repairs.REPEAT in said.flags,
        "clarify": repairs.CLARIFY in said.flags,
        "skip": repairs.SKIP in said.flags,
        "return": left and known,
        "digression": left and interrupted is not None and interrupted.state == OPEN,
        "cannot_handle": nothing_said and not understood.wants_human,
        "chit_chat": bool(names) and names <= CHIT_CHAT and not said.slots and not move.targets,
    }
    return next((name for name in REPAIRS if signs[name]), "")


def described(
    after: Dialogue, before: Dialogue, understood: Understood, *, repair: str
) -> Dialogue:
    """The dialogue with what the visitor, the model and the next turn see of it."""
    topic = find_topic(after, after.current)
    language = understood.language
    title = title_in(topic, language) if topic else ""
    gone = {
        title_in(t, lang) for t in after.topics if t.state == WITHDRAWN for lang in ("zh", "en")
    }
    summary = summarise(without(before.summary, gone - {title}), title)
    mood = (understood.emotion, round(understood.emotion_score, 3))
    unasked = answered_intents(understood, before)
    counted = tuple(pair for pair in understood.intents if pair[0] not in unasked)
    return replace(
        after,
        topic=title,
        intent=topic.intent if topic else "",
        slots=dict(topic.slots) if topic else after.slots,
        summary=summary,
        moods=(*before.moods, mood)[-MOODS_KEPT:],
        last=as_json(replace(understood, intents=counted)),
        repair=repair,
        orders=orders_after(before, after, understood),
        confused=before.confused + 1 if repair == "cannot_handle" else 0,
    )


def orders_after(before: Dialogue, after: Dialogue, understood: Understood) -> tuple[str, ...]:
    said = understood.said
    held = {topic.slots.get(ORDER) for topic in after.topics}
    given = (*before.orders, *(slot.value for slot in said.slots if slot.name == ORDER))
    known = (number for number in given if number in held or number not in said.rejected)
    return tuple(dict.fromkeys(known))[-ORDERS_KEPT:]


def title_in(topic: Topic, language: str) -> str:
    return topic.title or title_of(topic.intent, language=language)


def summarise(summary: str, topic: str) -> str:
    """The topics touched so far in their order, the latest SUMMARY_TOPICS of them; no customer's words."""
    topics = [known for known in summary.split(ARROW) if known and known != topic]
    return ARROW.join([*topics, topic][-SUMMARY_TOPICS:]) if topic else summary


def without(summary: str, gone: Iterable[str]) -> str:
    gone = frozenset(gone)
    return ARROW.join(title for title in summary.split(ARROW) if title not in gone)


def as_json(understood: Understood) -> dict[str, Any]:
    return {
        "intents": [[name, round(p, 3)] for name, p in understood.intents],
        "unknown_p": round(understood.unknown_p, 3),
        "emotion": understood.emotion,
        "score": round(understood.emotion_score, 3),
        "doubtful": list(understood.said.doubtful),
        "reason": understood.said.reason,
        "wants_human": understood.wants_human,
    }
