"""The translated view: masked, each line once, placeholders kept, and the typed reply in the customer's language."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from chat import tasks
from chat.actions import assisting as actions
from chat.assisting import suggestions, translations
from chat.models import Conversation, Translation
from chat.protocol import ProtocolError
from chat.states import Help, Role
from prompts.models import ModelCall
from tests.chat.assisting.conftest import bodies, fails, post, said, says
from tests.factories import AgentFactory, VisitorFactory
from tests.fakes.provider_control import ProviderControl

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def abroad(model: ProviderControl, inbox: Any) -> Conversation:
    """A thread in English with an agent who reads Chinese."""
    visitor = VisitorFactory.create(inbox=inbox, locale="en-US")
    conversation = post(visitor, "where is my parcel, call 13812345678")
    said(conversation, (Role.AGENT, "请稍等"), (Role.SYSTEM, "joined"), (Role.VISITOR, "12345"))
    return conversation


def lines(*pairs: tuple[int, str]) -> dict[str, Any]:
    return {"lines": [{"n": n, "text": text} for n, text in pairs]}


def seqs(conversation: Conversation) -> dict[int, str]:
    known = translations.known(conversation.pk, language="zh")
    return {each["seq"]: each["text"] for each in known}


def test_foreign_lines_are_translated_once_and_masked(
    model: ProviderControl, abroad: Conversation
) -> None:
    says(model, lines((1, "我的包裹在哪，打<PHONE_1>")))
    assert translations.run(abroad.pk, "zh") == 1
    assert translations.run(abroad.pk, "zh") == 0
    assert seqs(abroad) == {1: "我的包裹在哪，打<PHONE_1>"}
    [request] = model.requests()
    sent = json.loads(request["body"]["messages"][-1]["content"])
    # Neither what is Chinese already, nor notices, nor bare numbers.
    assert [line["n"] for line in sent] == [1]
    assert "13812345678" not in bodies(model)
    assert ModelCall.objects.get().purpose == "translate"


def test_what_is_of_no_line_or_holds_a_foreign_placeholder_is_thrown_away(
    model: ProviderControl, abroad: Conversation
) -> None:
    says(model, lines((1, "打<PHONE_2>"), (2, "不该翻"), (99, "没有这句")))
    assert translations.run(abroad.pk, "zh") == 0
    assert not Translation.objects.filter(refused=False).exists()
    assert translations.known(abroad.pk, language="zh") == []
    # Nor is what was refused paid for again.
    asked = len(model.requests())
    assert translations.run(abroad.pk, "zh") == 0
    assert len(model.requests()) == asked


def test_two_at_once_pay_once(model: ProviderControl, abroad: Conversation) -> None:
    says(model, lines((1, "我的包裹在哪")), ttft_ms=150)

    def attempt(_: int) -> int:
        try:
            return translations.run(abroad.pk, "zh")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(attempt, range(3))) == [0, 0, 1]
    assert len(model.requests()) == 1


def test_long_threads_go_in_batches(model: ProviderControl, abroad: Conversation) -> None:
    said(abroad, *[(Role.VISITOR, f"please answer question {n}") for n in range(12)])
    says(model, lines((1, "甲"), (16, "乙")))
    translations.run(abroad.pk, "zh")
    assert len(model.requests()) == 2
    assert seqs(abroad) == {1: "甲", 16: "乙"}


def test_failure_leaves_the_thread_as_it_is(model: ProviderControl, abroad: Conversation) -> None:
    fails(model, "invalid-json-content")
    assert translations.run(abroad.pk, "zh") == 0
    says(model, lines((1, "我的包裹在哪")))
    assert translations.run(abroad.pk, "zh") == 1


def test_asking_shows_what_is_there_and_rings_for_the_rest(
    model: ProviderControl, abroad: Conversation, agent: Any, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    rung: list[Any] = []
    monkeypatch.setattr(tasks, "ring_translation", lambda *args: rung.append(args))
    assert actions.translate(abroad.pk, agent=agent, language="zh") == ([], True)
    assert rung == [(abroad.pk, "zh")]
    says(model, lines((1, "我的包裹在哪")))
    translations.run(abroad.pk, "zh")
    shown = [{"seq": 1, "text": "我的包裹在哪"}]
    assert actions.translate(abroad.pk, agent=agent, language="zh") == (shown, False)
    settings.SUGGESTIONS_BURST = settings.SUGGESTIONS_PER_MINUTE = 1
    said(abroad, (Role.VISITOR, "hello again"))
    other = AgentFactory.create()
    assert actions.translate(abroad.pk, agent=other, language="zh") == (shown, True)
    with pytest.raises(ProtocolError):
        actions.translate(abroad.pk, agent=other, language="zh")
    with pytest.raises(Conversation.DoesNotExist):
        actions.translate(uuid4(), agent=agent, language="zh")


def test_typed_reply_is_translated_into_the_customers_language(
    model: ProviderControl, abroad: Conversation, agent: Any
) -> None:
    says(model, "One moment, please.")
    said(abroad, (Role.VISITOR, "are you there"))
    row = actions.suggest(
        abroad.pk, agent=agent, client_id=uuid4(), kind=Help.TRANSLATE, text="请稍等"
    )
    suggestions.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.text, row.language) == ("done", "One moment, please.", "en")
    system, asked = (m["content"] for m in model.requests()[0]["body"]["messages"])
    assert (asked, "English" in system) == ("请稍等", True)
