"""Forty identities typed through the real path: none of them is anywhere in clear but in the vault, sealed."""

import base64
import json
import logging
import random
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db.models import CharField, JSONField, TextField

from chat import protocol, turn, vault
from chat.actions import agent as agent_actions
from chat.actions import visitor as actions
from chat.models import Conversation, Message, VaultEntry, Visitor
from prompts.models import ModelEndpoint
from prompts.redis import connection
from tests.factories import VisitorFactory
from tests.fakes.provider_control import ProviderControl, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

HERE = "127.0.0.1"
RANDOM = random.Random(4)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
APART = re.compile(r"[\s\-_.·()]+")


def digits(count: int) -> str:
    return "".join(RANDOM.choices("0123456789", k=count))


def phone(prefix: str) -> str:
    return prefix + digits(11 - len(prefix))


def id_card(region: str, born: str) -> str:
    """With the check digit of GB 11643-1999."""
    body = region + born + digits(3)
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def bank_card(prefix: str, length: int) -> str:
    """With the check digit of Luhn."""
    body = prefix + digits(length - len(prefix) - 1)
    doubled = [int(d) * (2 if at % 2 == 0 else 1) for at, d in enumerate(reversed(body))]
    return body + str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


def spaced(number: str, *sizes: int) -> str:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(number[at : at + size])
        at += size
    return " ".join([*pieces, number[at:]]).strip()


def chinese() -> list[tuple[str, str]]:
    """(the raw value, what is said around it)."""
    return [
        *(
            (p, f"我的手机号是{p},怎么还没到")
            for p in map(phone, ("138", "159", "186", "199", "177", "133", "182", "157"))
        ),
        *((p, f"联系电话 {p}") for p in (spaced(phone("136"), 3, 4), "0571-8" + digits(7))),
        *(
            (c, f"身份证号{c}")
            for c in (
                id_card("110105", "19900307"),
                id_card("330106", "19851224"),
                id_card("440305", "20010615"),
                id_card("510107", "19780911"),
            )
        ),
        *(
            (c, f"退到银行卡{c}")
            for c in (
                bank_card("622202", 19),
                bank_card("621700", 19),
                spaced(bank_card("622848", 19), 4, 4, 4, 4),
                bank_card("625760", 16),
            )
        ),
        *(
            (e, f"发票发到{e}")
            for e in ("lin.xiaoyu88@example.cn", "wangqiang_1987@mail.example.com")
        ),
        *((n, f"收件人{n},电话{phone('135')}") for n in ("欧阳慧敏", "陈建国")),
        *((n, f"我叫{n}") for n in ("周晓彤", "刘志远")),
        *(
            (a, f"收货地址:{a}")
            for a in (
                "浙江省杭州市西湖区文三路478号华星大厦3幢1205室",
                "北京市朝阳区望京街道阜通东大街6号院2号楼1801",
            )
        ),
        *((p, f"车牌{p}") for p in ("京A7K329", "粤BD81936")),
    ]


def english() -> list[tuple[str, str]]:
    return [
        *(
            (p, f"My phone number is {p}")
            for p in ("(415) 555-2671", "+1 212-555-0198", "+44 20 7946 0958", phone("150"))
        ),
        *(
            (c, f"Refund to my card {c}")
            for c in (
                bank_card("453201", 16),
                spaced(bank_card("542523", 16), 4, 4, 4),
                bank_card("37828", 15),
            )
        ),
        *(
            (e, f"Mail me at {e}")
            for e in ("harriet.blackwood@example.org", "j_okafor.92@mail.example.com")
        ),
        *((n, f"My name is {n}") for n in ("Harriet Blackwood", "Samuel Okafor")),
        *(
            (a, f"Ship it to {a}")
            for a in (
                "1427 Maple Grove Avenue, Springfield, IL 62704",
                "221 Baker Street, London NW1 6XE",
            )
        ),
    ]


# (locale, the raw value, what is said around it)
IDENTITIES = [("zh-CN", *each) for each in chinese()] + [("en", *each) for each in english()]


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderControl]:
    with running() as control:
        yield control


@pytest.fixture
def model(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": "sk-of-a-test"}
    return ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
    )


class Everything:
    """Whatever could hold a value: listens to all channels and broker messages, then reads all that is kept."""

    def __init__(self) -> None:
        self.pubsub = connection().pubsub()  # type: ignore[no-untyped-call]
        self.pubsub.psubscribe("*")
        self.pubsub.get_message(timeout=5)
        self.published: list[str] = []

    def listen(self) -> None:
        connection().publish("end", b"end")
        while message := self.pubsub.get_message(timeout=5):
            if message["channel"] == b"end":
                return
            self.published.append(repr(message["channel"]) + decoded(message["data"]))

    def close(self) -> None:
        self.pubsub.close()


def decoded(data: Any) -> str:
    """Bytes as text, JSON escapes undone: a value must not hide behind \\u4e2d."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)


def in_redis() -> list[str]:
    """Keys and values of every database, the broker's messages opened."""
    client = connection().client()  # type: ignore[no-untyped-call]
    count = int(client.config_get("databases")["databases"])
    found = []
    try:
        for number in range(count):
            client.execute_command("SELECT", number)
            found += [decoded(key) + value_of(client, key) for key in client.scan_iter()]
    finally:
        client.execute_command("SELECT", 0)
        client.close()
    return found


def value_of(client: Any, key: bytes) -> str:
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    value = readers[client.type(key)](key)
    values = [each for pair in value.items() for each in pair] if isinstance(value, dict) else value
    values = [values] if isinstance(values, bytes) else values
    return " ".join(map(opened, values))


def opened(value: Any) -> str:
    """A value, and the body of a task where it is one."""
    text = decoded(value)
    body = re.search(r'"body": "([A-Za-z0-9+/=]+)"', text)
    return text + decoded(base64.b64decode(body[1])) if body else text


def in_rows() -> list[str]:
    found = []
    for model in apps.get_models(include_auto_created=True):
        fields = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, CharField | TextField | JSONField)
            and (model, field.attname) != (VaultEntry, "sealed")
        ]
        for row in model._default_manager.values(*fields) if fields else []:
            found.append(f"{model.__name__} " + json.dumps(row, ensure_ascii=False, default=str))
    return found


def live(visitor: Visitor, agent: Any, said: str, *, address: str) -> None:
    """One visitor's way through the platform: asks, is answered, is taken over, rates."""
    posted = actions.post_message(visitor, client_id=uuid4(), text=said, address=address)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    taken = agent_actions.claim(posted.conversation_id, agent=agent)
    agent_actions.reply(
        posted.conversation_id, agent=agent, client_id=uuid4(), text=said, epoch=taken.epoch
    )
    actions.post_message(visitor, client_id=uuid4(), text=said, address=address)
    actions.rate(visitor, protocol.Rate(type="rate", score=2, resolved=False, comment=said))


def hits(value: str, texts: list[str]) -> list[str]:
    """The texts that hold a value, as it is or without what separates its parts."""
    bare = APART.sub("", value).casefold()
    return [text for text in texts if value in text or bare in APART.sub("", text).casefold()]


def test_there_are_forty_identities_and_no_two_alike() -> None:
    assert len({value for _, value, _ in IDENTITIES}) == len(IDENTITIES) >= 40


def test_no_identity_is_anywhere_in_clear(
    inbox: Any,
    agent: Any,
    model: ModelEndpoint,
    provider: ProviderControl,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    everything = Everything()
    visitors = []
    for number, (locale, _, said) in enumerate(IDENTITIES):
        visitors.append(VisitorFactory.create(inbox=inbox, locale=locale))
        live(visitors[-1], agent, said, address=f"10.0.0.{number}")
        everything.listen()
    everything.close()

    asked = [json.dumps(each["body"], ensure_ascii=False) for each in provider.requests()]
    places = {
        "log": [
            caplog.text,
            *(repr(record.__dict__) for record in caplog.records),
            *capfd.readouterr(),
        ],
        "redis": in_redis(),
        "published": everything.published,
        "rows": in_rows(),
        "model": asked,
    }
    leaks = [
        (value, place, len(found))
        for _, value, _ in IDENTITIES
        for place, texts in places.items()
        if (found := hits(value, texts))
    ]
    assert leaks == []
    # Nothing was found because there was nothing: all of it was there to be searched.
    assert len(asked) == len(IDENTITIES)
    assert any("<PHONE_1>" in text for text in asked)
    assert any("run_turn" in text for text in places["redis"])
    assert any("<PHONE_1>" in text for text in everything.published)
    assert any(text.startswith("Rating ") and "<PHONE_1>" in text for text in places["rows"])
    for visitor, (_, value, said) in zip(visitors, IDENTITIES, strict=True):
        first = Message.objects.filter(conversation__visitor=visitor).earliest("seq")
        shown = vault.Values(visitor.pk).in_text(first.text)
        assert (value in shown, shown) == (True, said)


@pytest.mark.parametrize(
    ("text", "found"),
    [("call 138 1234-5678", True), ("13812345678", True), ("1381234567", False)],
)
def test_hits_sees_through_separators(text: str, found: bool) -> None:
    assert bool(hits("138-12345678", [text])) is found


def test_rows_and_redis_are_really_searched(visitor: Visitor) -> None:
    Conversation.objects.create(visitor=visitor, inbox=visitor.inbox)
    Conversation.objects.update(dialogue={"slots": {"phone": "13812345678"}})
    connection().hset("somewhere", "deep", "车牌京A7K329")
    assert len(hits("13812345678", in_rows())) == 1
    assert len(hits("京A7K329", in_redis())) == 1
