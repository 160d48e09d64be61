"""The scripted dialogues through whole turns: real rows, Redis, redaction, the trained default classifier.

Each is played twice: answered from SOPs without a model, and by the provider fake, whose log holds what a model saw.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine

from chat import dialogue, memory, turn
from chat.actions import visitor as actions
from chat.dialogue import Dialogue
from chat.dialogue.titles import title_of
from chat.models import Inbox, Message, Visitor
from chat.states import Owner
from prompts import completion, understanding
from prompts.models import ModelEndpoint
from prompts.nlu.slots import PLACEHOLDER
from prompts.redis import connection
from tests.chat import trained
from tests.chat.scripts import GAPS, SCRIPTS, START, lines_of, read
from tests.factories import InboxFactory, VisitorFactory
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency

pytestmark = pytest.mark.django_db(transaction=True)

HERE, MODEL, KEY = "127.0.0.1", "shop-model", "SHOP_API_KEY"
# Where an order is and when it comes: which of the three a sentence asks for, people disagree on as well.
ALIKE = {"order_status": "status", "logistics": "status", "urge": "status"}
# Small talk that no example taught is "not understood": either leaves the thread as it is.
BESIDE = {"cannot_handle": "chit_chat"}
# They come along with a wish, and open no topic.
LITTLE = {"provide_info", "other", "confirm", "thanks_bye", "greeting"}
SAID = LITTLE - {"provide_info", "other"}
MOST_MISHEARD = 10


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=0, interval_ms=0))) as control:
        yield control


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, defaults: None, provider: ProviderControl
) -> Iterator[Inbox]:
    """A fresh installation whose first training is done, with one model."""
    understanding.LOADED.forget()
    trained.put_in_force(request.config.cache.mkdir("classifier"))
    ModelEndpoint.objects.all().delete()
    ModelEndpoint.objects.create(
        name=MODEL, provider="openai", model="fake", base_url=provider.base_url, api_key_env=KEY
    )
    yield InboxFactory.create()
    understanding.LOADED.forget()


@dataclass
class Talk:
    """A visitor's thread as it is played, and what no model may ever see of it."""

    visitor: Visitor
    language: str
    provider: ProviderControl
    now: datetime = START
    answered: str = ""
    private: list[str] = field(default_factory=list)
    wrong: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass
class Played:
    """One turn: what was known before, what after, and what was answered."""

    before: Dialogue
    after: Dialogue
    answer: Message | None
    handed_over: bool
    offered: bool
    asked: list[str]


@pytest.mark.timeout(600)  # a training, and 63 dialogues
@pytest.mark.parametrize("answered_by", ["sop", MODEL])
def test_scripted_dialogues_through_whole_turns(
    answered_by: str,
    shop: Inbox,
    provider: ProviderControl,
    settings: Any,
    subtests: pytest.Subtests,
) -> None:
    settings.MODEL_API_KEYS = {KEY: "sk-of-a-test"} if answered_by == MODEL else {}
    completion.CACHE.clear()
    for path in SCRIPTS:
        with subtests.test(path.stem):
            provider.reset()
            play(read(path), shop=shop, provider=provider, answered_by=answered_by)


def test_little_is_misheard() -> None:
    names = [name for path in SCRIPTS for turn in read(path)["turns"] for name in missed(turn)]
    assert len(names) <= MOST_MISHEARD


def missed(line: dict[str, Any]) -> list[str]:
    return line.get("misheard", [])  # type: ignore[no-any-return]


def play(
    script: dict[str, Any], *, shop: Inbox, provider: ProviderControl, answered_by: str
) -> None:
    locale = "zh-CN" if script["language"] == "zh" else "en"
    visitor = VisitorFactory.create(inbox=shop, locale=locale)
    talk = Talk(visitor, script["language"], provider)
    for number, line in enumerate(script["turns"], start=1):
        played = take_turn(talk, line)
        wrong = compare(line, played, language=line.get("language", script["language"]))
        wrong |= compare_rows(talk, line, played) | compare_answer(talk, played, answered_by)
        if answered_by == "sop":
            wrong |= compare_words(talk, line, played)
        talk.answered = played.answer.text if played.answer else ""
        talk.wrong += [(number, line["says"], name, *pair) for name, pair in wrong.items()]
    assert talk.wrong == [], script["title"]


def take_turn(talk: Talk, line: dict[str, Any]) -> Played:
    talk.now += GAPS[line.get("gap", "")]
    if "gap" in line:
        # Its time to live runs by the real clock.
        connection().delete(memory.key(talk.visitor.pk, now=talk.now))
    talk.private += private_parts(line)
    seen = len(talk.provider.requests())
    with time_machine.travel(talk.now):
        conversation = actions.enter(talk.visitor)
        offered = actions.resume_prompt(conversation)
        before = memory.load(conversation, now=talk.now)
        turn_id = post(talk.visitor, lines_of(line["says"]))
        turn.run(turn_id, worker="w1")
    conversation.refresh_from_db()
    return Played(
        before=before,
        after=dialogue.read_dialogue(conversation.dialogue),
        answer=Message.objects.filter(turn=turn_id, role="bot").first(),
        handed_over=conversation.owner == Owner.QUEUE,
        offered=bool(offered),
        asked=[json.dumps(r["body"], ensure_ascii=False) for r in talk.provider.requests()[seen:]],
    )


def post(visitor: Visitor, lines: list[str]) -> UUID:
    posted = [
        actions.post_message(visitor, client_id=uuid4(), text=line, address=HERE) for line in lines
    ]
    assert posted[-1].turn_id is not None
    return posted[-1].turn_id


def private_parts(line: dict[str, Any]) -> list[str]:
    """What stood where the masked line has placeholders."""
    found: list[str] = []
    pairs = zip(lines_of(line["says"]), lines_of(line.get("masked", line["says"])), strict=True)
    for said, masked in pairs:
        pieces = PLACEHOLDER.split(masked)[::2]
        match = re.fullmatch("(.+)".join(map(re.escape, pieces)), said, re.DOTALL)
        assert match is not None
        found += match.groups()
    return found


# --- what is compared ------------------------------------------------------------------------------


def compare(
    line: dict[str, Any], played: Played, *, language: str
) -> dict[str, tuple[object, object]]:
    """What is not as the script expects: (what was found, what is expected) by name."""
    expected, after = line["expect"], played.after
    block = dialogue.state_block(after, language=language)
    topic = dialogue.find_topic(after, after.current)
    seen: dict[str, object] = {
        "emotion": after.last.get("emotion"),
        "wants_human": after.last.get("wants_human"),
        "topic": ALIKE.get(after.intent, after.intent),
        "open_topics": alike(each.intent for each in dialogue.open_topics(after)),
        "repair": BESIDE.get(after.repair, after.repair),
        "doubtful": list(topic.doubtful) if topic else list(after.doubtful),
        "confused": after.confused,
        "offered": played.offered,
        "handed_over": played.handed_over,
        "resumes": played.answer is not None and played.answer.meta.get("resumed") is True,
        "solved_before": dialogue.solved(played.before),
        "slots": {name: after.slots.get(name) for name in expected.get("slots", {})},
        "asks_for_nothing_known": all(value in block for value in after.slots.values()),
        "state_has": [s for s in expected.get("state_has", []) if s not in named(block, after)],
        "state_lacks": [s for s in expected.get("state_lacks", []) if s in named(block, after)],
    }
    wanted = {
        "handed_over": False,
        **expected,
        "topic": ALIKE.get(expected.get("topic"), expected.get("topic")),
        "open_topics": alike(expected.get("open_topics", [])),
        "repair": BESIDE.get(expected.get("repair"), expected.get("repair")),
        "state_has": [],
        "state_lacks": [],
    }
    looked_at = seen.keys() & {*expected.keys(), "handed_over"}
    if not expected.get("resumes") and expected.get("repair") != "withdraw":
        # What is given up may be named or not; its topic is closed either way.
        seen["intents"], wanted["intents"] = heard(after, expected.get("intents", []))
        looked_at.add("intents")
    looked_at -= set(missed(line))
    return {n: (seen[n], wanted[n]) for n in sorted(looked_at) if seen[n] != wanted[n]}


def alike(names: Any) -> list[str]:
    return [ALIKE.get(name, name) for name in names]


def heard(after: Dialogue, expected: list[str]) -> tuple[list[str], list[str]]:
    """Intents found and expected, as far as they matter: wishes in their order, and of the rest what is expected."""
    found = [name for name, _ in after.last["intents"]]
    little = [name for name in found if name in SAID and name in expected]
    little_expected = [name for name in expected if name in SAID]
    return wishes(found) + little, wishes(expected) + little_expected


def wishes(names: list[str]) -> list[str]:
    return alike(name for name in names if name not in LITTLE)


def named(block: str, after: Dialogue) -> str:
    """The block with topics called as scripts call them; SOPs have titles of their own."""
    for topic in sorted(after.topics, key=lambda topic: -len(topic.title)):
        if topic.title:
            language = "zh" if re.search("[\u4e00-\u9fff]", block) else "en"
            block = block.replace(topic.title, title_of(topic.intent, language=language))
    return block


def compare_rows(
    talk: Talk, line: dict[str, Any], played: Played
) -> dict[str, tuple[object, object]]:
    """The lines are stored as redaction leaves them, and Redis holds the state of the row."""
    masked = lines_of(line.get("masked", line["says"]))
    said = Message.objects.filter(conversation__visitor=talk.visitor, role="visitor")
    stored = list(said.order_by("-seq").values_list("text", flat=True)[: len(masked)])[::-1]
    kept = memory.find(talk.visitor.pk, now=talk.now)
    wrong: dict[str, tuple[object, object]] = {}
    if stored != masked:
        wrong["stored"] = stored, masked
    if kept != played.after:
        wrong["redis"] = kept, played.after
    return wrong


def compare_answer(
    talk: Talk, played: Played, answered_by: str
) -> dict[str, tuple[object, object]]:
    """Who answered; what a model saw: all that is known, and nothing personal."""
    wrong: dict[str, tuple[object, object]] = {}
    if played.answer is None:
        return {} if played.handed_over else {"answer": ("none", "one")}
    if played.answer.meta.get("resumed"):
        return wrong
    endpoint = played.answer.meta["endpoint"]
    if endpoint != answered_by or len(played.asked) != (answered_by == MODEL):
        wrong["answered_by"] = (endpoint, len(played.asked)), answered_by
    known = [
        value for value in played.after.slots.values() for body in played.asked if value not in body
    ]
    leaked = [value for value in talk.private for body in played.asked if value in body]
    if known or leaked:
        wrong["request"] = known, leaked
    if not played.answer.text.strip():
        wrong["answer"] = "", "words"
    return wrong


def compare_words(
    talk: Talk, line: dict[str, Any], played: Played
) -> dict[str, tuple[object, object]]:
    """What is said without a model: the last answer where it is asked for again; no word asks for a known order."""
    if played.answer is None:
        return {}
    said, wrong = played.answer.text, dict[str, tuple[object, object]]()
    known = dialogue.sure_slots(played.after).get("order_number", "")
    if known and re.search("订单号|order number", said, re.IGNORECASE) and known not in said:
        wrong["asks_again"] = said, known
    if line["expect"].get("repair") == "repeat" and said != talk.answered:
        wrong["repeated"] = said, talk.answered
    if missing := [part for part in line["expect"].get("answer_has", []) if part not in said]:
        wrong["answer_has"] = said, missing
    return wrong
