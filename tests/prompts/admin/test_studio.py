"""The studio: drafts saved as they are written, conflicts, versions published and compared, the playground."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from prompts import retrieval
from prompts.llm import providers
from prompts.llm.catalogue import Endpoint
from prompts.models import (
    FewShotExample,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptDraft,
    PromptVersion,
    Sop,
    SopQuestion,
)
from prompts.redaction import engine
from tests.fakes.provider_control import ProviderControl
from tests.prompts.admin.pages import ENGLISH, announced, page, query_count, said
from tests.prompts.llm.asking import settled

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json", "Accept-Language": "en"}
LIST_QUERIES = 12
# Never asked: it stands for the wire that the endpoints of these tests speak.
ENDPOINT = Endpoint(
    name="warm", provider="openai", model="m", base_url="http://127.0.0.1:9", api_key="k"
)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Detector and SDK, before a transaction that would wait for them."""
    engine.warm()
    providers.warm(ENDPOINT)


@pytest.fixture
def prompt() -> Prompt:
    found = Prompt.objects.create(purpose="answer", language="zh", title="回答顾客")
    text = "你是{{shop_name}}的客服。\n{{knowledge}}\n{{examples}}"
    variables = ["shop_name", "knowledge", "examples"]
    found.current = PromptVersion.objects.create(
        prompt=found, number=1, text=text, variables=variables
    )
    found.save()
    return found


def save(client: Client, prompt: Prompt, **sent: Any) -> Any:
    return client.post(
        page("prompt_change", prompt.pk),
        {"_action": "save", "base": prompt.current_id, **sent},
        headers=JSON,
    )


def seen() -> dict[str, int]:
    """The draft as it is, as a page that was just opened sends it."""
    draft = PromptDraft.objects.get()
    return {"draft": draft.pk, "revision": draft.revision}


def send(client: Client, prompt: Prompt, action: str, **sent: Any) -> Any:
    """What a button sends; the page that comes of it."""
    url = page("prompt_change", prompt.pk)
    sent = {"_action": action, "base": prompt.current_id, **sent}
    return client.post(url, sent, headers=ENGLISH, follow=True)


def test_what_is_written_is_saved_under_its_revision(staff: Client, prompt: Prompt) -> None:
    first = save(staff, prompt, revision=0, text="您好{{shop_name}}").json()
    assert (first["ok"], first["revision"]) == (True, 2)
    assert list(first["problems"]) == ["variables"]

    seen = {name: first[name] for name in ("draft", "revision")}
    second = save(staff, prompt, variables="shop_name", **seen).json()
    assert second["problems"] == {}
    draft = PromptDraft.objects.get()
    assert (draft.text, draft.variables) == ("您好{{shop_name}}", ["shop_name"])
    assert PromptVersion.objects.count() == 1

    stale = save(staff, prompt, text="theirs", **seen)
    assert stale.status_code == 409
    assert stale.json()["by"] == "boss"
    assert PromptDraft.objects.get().text == "您好{{shop_name}}"
    assert save(staff, prompt, revision=0, text="theirs").status_code == 409


def test_what_a_browser_does_to_line_ends_is_no_change(staff: Client, prompt: Prompt) -> None:
    assert prompt.current is not None
    sent = prompt.current.text.replace("\n", "\r\n") + "\r\n"

    save(staff, prompt, revision=0, text=sent)

    assert PromptDraft.objects.get().text == prompt.current.text
    assert staff.get(page("prompt_diff", prompt.pk)).context["fields"] == []


def test_wrong_numbers_are_named_and_not_kept(staff: Client, prompt: Prompt) -> None:
    answer = save(staff, prompt, revision=0, max_chars="many", example_limit="2").json()

    assert list(answer["problems"]) == ["max_chars"]
    draft = PromptDraft.objects.get()
    assert (draft.max_chars, draft.example_limit) == (None, 2)


@pytest.mark.parametrize("name", ["example_limit", "example_tokens", "example_mode"])
def test_what_a_wording_always_has_is_named_when_it_is_empty(
    staff: Client, prompt: Prompt, name: str
) -> None:
    before = getattr(prompt.current, name)

    answer = save(staff, prompt, revision=0, text="新的", variables="", **{name: ""})

    assert list(answer.json()["problems"]) == [name]
    draft = PromptDraft.objects.get()
    assert (draft.text, getattr(draft, name)) == ("新的", before)


@pytest.mark.parametrize("action", ["freeze", "publish"])
def test_no_version_is_made_while_a_field_makes_no_sense(
    staff: Client, prompt: Prompt, action: str
) -> None:
    sent = {"revision": 0, "text": "新的", "variables": "", "note": "短一点", "max_chars": "5000"}

    shown = send(staff, prompt, action, **sent)

    assert "no version was added: Characters of an answer" in said(shown)[0]
    assert list(shown.context["problems"]) == ["max_chars"]
    form = shown.context["form"]
    assert (form["max_chars"].value(), form["text"].value()) == ("5000", "新的")
    assert PromptVersion.objects.count() == 1
    draft = PromptDraft.objects.get()
    assert (draft.text, draft.note, draft.max_chars) == ("新的", "短一点", None)
    # The page goes on from the draft it was saved into.
    again = send(staff, prompt, action, **{**sent, **seen(), "max_chars": "50"})
    assert "Saved as version 2." in said(again)
    assert prompt.versions.get(number=2).max_chars == 50


def test_words_that_met_another_ones_come_back_and_hold_when_they_are_sent_again(
    staff: Client, prompt: Prompt
) -> None:
    save(staff, prompt, revision=0, text="我的", variables="")
    mine = seen()
    save(staff, prompt, text="别人的", variables="", **mine)

    shown = send(staff, prompt, "freeze", text="我的新词", variables="", note="n", **mine)

    assert shown.status_code == 409
    assert "Your words are still here" in said(shown)[0]
    form = shown.context["form"]
    assert (form["text"].value(), form["note"].value()) == ("我的新词", "n")
    assert 'data-conflict="yes"' in shown.content.decode()
    assert PromptDraft.objects.get().text == "别人的"
    assert PromptVersion.objects.count() == 1

    now = {"draft": shown.context["draft"].pk, "revision": shown.context["revision"]}
    saved = send(staff, prompt, "save", text="我的新词", variables="", note="n", **now)
    assert said(saved) == ["Saved"]
    assert PromptDraft.objects.get().text == "我的新词"


def test_fields_without_any_effect_are_not_on_the_page(staff: Client, prompt: Prompt) -> None:
    aside = Prompt.objects.create(purpose="summary", language="zh", title="小结")
    fields = {"persona", "rules", "max_output_tokens", "text", "example_limit", "resume_text"}

    def on_page(row: Prompt) -> set[str]:
        groups = staff.get(page("prompt_change", row.pk)).context["groups"]
        return {field.name for group in groups for field in group} & fields

    assert on_page(prompt) == fields
    assert on_page(aside) == {"persona", "rules", "max_output_tokens", "text"}
    aside.current = PromptVersion.objects.create(prompt=aside, number=1, text="x", example_limit=5)
    aside.save()
    assert "example_limit" in on_page(aside)


@pytest.mark.django_db(transaction=True)
def test_a_draft_is_published_with_a_reason(staff: Client, prompt: Prompt) -> None:
    before = announced()
    url = page("prompt_change", prompt.pk)
    sent: dict[str, Any] = {
        "revision": 0, "base": prompt.current_id, "text": "新的", "variables": ""
    }  # fmt: skip

    refused = staff.post(
        url, {**sent, "_action": "publish", "note": " "}, follow=True, headers=ENGLISH
    )
    assert said(refused) == ["Say why you changed it."]
    sent |= seen()
    staff.post(url, {**sent, "_action": "publish", "note": "更短"}, follow=True)

    prompt.refresh_from_db()
    version = prompt.current
    assert version is not None
    assert (version.number, version.text, version.note) == (2, "新的", "更短")
    assert version.created_by is not None
    assert not PromptDraft.objects.exists()
    assert announced() == before + 1


def test_a_draft_with_problems_is_not_published(staff: Client, prompt: Prompt) -> None:
    url = page("prompt_change", prompt.pk)
    sent = {
        "revision": 0,
        "base": prompt.current_id,
        "text": "{% load x %}",
        "note": "x",
        "_action": "publish",
    }

    shown = staff.post(url, sent, follow=True, headers=ENGLISH)

    assert "template signs" in said(shown)[0]
    assert PromptVersion.objects.count() == 1


def test_a_draft_is_thrown_away(staff: Client, prompt: Prompt) -> None:
    save(staff, prompt, revision=0, text="x")

    staff.post(page("prompt_change", prompt.pk), {"_action": "drop", **seen()})

    assert not PromptDraft.objects.exists()


def test_an_older_version_speaks_again(staff: Client, prompt: Prompt) -> None:
    older = prompt.current
    newer = PromptVersion.objects.create(prompt=prompt, number=2, text="b")
    assert older is not None
    for version in (newer, older):
        assert staff.get(page("promptversion_change", version.pk)).status_code == 200
        staff.post(page("promptversion_publish", version.pk))
        prompt.refresh_from_db()
        assert prompt.current == version


def test_versions_are_compared_word_by_word(staff: Client, prompt: Prompt) -> None:
    newer = PromptVersion.objects.create(
        prompt=prompt, number=2, text="你是{{shop_name}}的店员。", example_limit=5
    )
    save(staff, prompt, revision=0, base=newer.pk, text="草稿")

    shown = staff.get(
        page("prompt_diff", prompt.pk), {"left": f"{prompt.current_id}", "right": f"{newer.pk}"}
    )
    text = shown.content.decode()
    assert "<del>客服</del>" in text
    assert "<ins>店员</ins>" in text
    assert len(shown.context["fields"]) == 3
    assert staff.get(page("prompt_diff", prompt.pk)).context["names"] == (
        str(prompt.current_id),
        "draft",
    )
    other = Prompt.objects.create(purpose="resume", language="zh", title="t")
    assert staff.get(page("prompt_diff", other.pk), {"left": newer.pk}).status_code == 404
    assert staff.get(page("prompt_diff", other.pk)).status_code == 200


def test_lookers_see_and_change_nothing(looker: Client, prompt: Prompt) -> None:
    assert looker.get(page("prompt_change", prompt.pk)).status_code == 200
    assert save(looker, prompt, revision=0, text="x").status_code == 403
    assert looker.post(page("promptversion_publish", prompt.current_id)).status_code == 403
    assert looker.get(page("prompt_playground")).status_code == 403


def test_what_is_written_is_text_on_every_page(staff: Client, prompt: Prompt) -> None:
    hostile = "</textarea><script>alert(1)</script>{{ settings }}"
    save(staff, prompt, revision=0, text=hostile)
    version = PromptVersion.objects.create(prompt=prompt, number=9, text=hostile, note=hostile)

    for url in (
        page("prompt_change", prompt.pk),
        page("promptversion_change", version.pk),
        page("prompt_diff", prompt.pk),
        page("prompt_playground"),
    ):
        assert "<script>alert" not in staff.get(url).content.decode()


def ask(client: Client, **sent: Any) -> Any:
    return client.post(page("prompt_ask"), sent, headers=ENGLISH)


def test_the_playground_answers_from_any_version_and_endpoint(
    staff: Client, prompt: Prompt, endpoint: Callable[..., ModelEndpoint], provider: ProviderControl
) -> None:
    row = endpoint()
    FewShotExample.objects.create(
        key="e",
        language="zh",
        intent="i",
        messages=[{"role": "visitor", "text": "问"}, {"role": "bot", "text": "答"}],
    )
    provider.set_scenario([{"answer": "已经在路上了"}])
    version = PromptVersion.objects.create(
        prompt=prompt, number=2, text="旧的{{examples}}", variables=["examples"]
    )
    history = json.dumps([["visitor", "在吗"], ["bot", "在的"]])

    answer = ask(
        staff,
        message="我的电话是13800138000,快递呢",
        version=version.pk,
        endpoint=row.pk,
        history=history,
    ).json()

    assert (answer["ok"], answer["answer"]) == (True, "已经在路上了")
    assert "13800138000" not in answer["asked"]
    assert "<PHONE_1>" in answer["asked"]
    assert answer["prompt"] == "旧的顾客: 问\n客服: 答"
    assert answer["examples"] == ["e"]
    assert ModelCall.objects.get().purpose == "trial"
    sent = settled(provider)[0]["body"]["messages"]
    assert [line["content"] for line in sent[1:3]] == ["在吗", "在的"]


def test_the_playground_takes_drafts_and_sops_and_refuses_the_rest(
    staff: Client, prompt: Prompt
) -> None:
    save(staff, prompt, revision=0, text="草稿", variables="")
    draft = PromptDraft.objects.get()
    honest = Prompt.objects.create(purpose="unknown", language="zh", title="t")
    honest.current = PromptVersion.objects.create(prompt=honest, number=1, text="拿不准")
    honest.save()

    answer = ask(staff, message="你好", version=f"draft-{draft.pk}", endpoint="").json()
    assert (answer["answer"], answer["prompt"]) == ("拿不准", "草稿")
    assert ask(staff, message="", version=prompt.current_id).status_code == 400
    assert ask(staff, message="x", version="draft-x").status_code == 400
    assert ask(staff, message="x", version=prompt.current_id, endpoint="999").status_code == 400
    assert ask(staff, message="x", version=prompt.current_id, history="{}").status_code == 400
    shown = staff.get(page("prompt_playground"), {"prompt": prompt.pk})
    assert [column["version"] for column in shown.context["board"]["columns"]] == [
        str(prompt.current_id),
        f"draft-{draft.pk}",
    ]


def test_the_playground_asks_with_the_slots_and_the_sku_of_the_customer(
    staff: Client, prompt: Prompt
) -> None:
    """An SOP of one SKU is found where production would find it; an order that was named is known."""
    version = PromptVersion.objects.create(
        prompt=prompt, number=2, text="{{slots}}\n{{knowledge}}", variables=["slots", "knowledge"]
    )
    sop = Sop.objects.create(
        key="s", language="zh", title="尺码", intent="i", answer="偏大一码", skus=["A-1"]
    )
    retrieval.reindex([SopQuestion.objects.create(sop=sop, text="尺码准吗")])
    history = json.dumps([["visitor", "订单号20260131001234567"], ["bot", "好的"]])
    asked = {"message": "尺码准吗", "version": version.pk, "endpoint": "", "history": history}

    without = ask(staff, **asked).json()
    answer = ask(staff, **asked, sku="A-1").json()
    retrieval.forget()

    assert "20260131001234567" in without["prompt"]
    assert "偏大一码" not in without["prompt"]
    assert "偏大一码" in answer["prompt"]
    assert "20260131001234567" in answer["slots"]
    refused = ask(staff, **asked, inbox="nosuch")
    assert (refused.status_code, refused.json()["sentence"]) == (400, "There is no such inbox.")


def test_the_playground_speaks_the_language_of_its_reader(staff: Client, prompt: Prompt) -> None:
    shown = staff.get(page("prompt_playground")).content.decode()
    assert '<option value="negative">不满</option>' in shown

    sent = {"message": "你好", "version": prompt.current_id, "mood": "negative"}
    answer = staff.post(page("prompt_ask"), sent).json()

    assert answer["decision"].startswith("没有可用的模型")
    assert answer["intent"].endswith("不满")


def test_a_version_of_any_age_is_tried_and_compared(staff: Client, prompt: Prompt) -> None:
    texts = [PromptVersion(prompt=prompt, number=n, text=f"第{n}版") for n in range(2, 215)]
    old, *_ = PromptVersion.objects.bulk_create(texts)

    board = staff.get(page("prompt_playground"), {"version": old.pk}).context["board"]
    assert [column["version"] for column in board["columns"]] == [
        str(prompt.current_id),
        str(old.pk),
    ]
    assert {str(old.pk), str(prompt.current_id)} <= {row["value"] for row in board["versions"]}
    shown = staff.get(page("prompt_diff", prompt.pk), {"left": old.pk})
    assert str(old.pk) in dict(shown.context["choices"])
    assert f'<option value="{old.pk}" selected>' in shown.content.decode()


def test_what_cannot_be_tried_is_not_offered_and_said(staff: Client, prompt: Prompt) -> None:
    aside = Prompt.objects.create(purpose="summary", language="zh", title="小结")
    version = PromptVersion.objects.create(prompt=aside, number=1, text="x")
    place = page("prompt_playground")

    for url in (page("prompt_change", aside.pk), page("promptversion_change", version.pk)):
        assert place not in staff.get(url).content.decode()
    assert place in staff.get(page("prompt_change", prompt.pk)).content.decode()

    def told(**asked: Any) -> bool:
        note = '<p class="yd-note warn">Only prompts that answer a customer'
        return note in staff.get(place, asked, headers=ENGLISH).content.decode()

    assert told(prompt=aside.pk)
    assert told(version=version.pk)
    assert not told(version=prompt.current_id)
    assert not told()


def test_examples_are_masked_when_they_are_saved(staff: Client) -> None:
    lines = [{"role": "visitor", "text": "打13800138000找我"}, {"role": "bot", "text": "好的"}]
    form = {
        "key": "k",
        "language": "zh",
        "intent": "i",
        "emotion": "neutral",
        "tags": "[]",
        "source": "hand",
    }

    staff.post(page("fewshotexample_add"), {**form, "messages": json.dumps(lines), "enabled": "on"})

    example = FewShotExample.objects.get()
    assert example.masked
    assert example.messages[0]["text"] == "打<PHONE_1>找我"
    assert (
        staff.get(page("fewshotexample_changelist"), {"q": "找我"}).context["cl"].result_count == 1
    )
    for wrong in ("[]", '{"a": 1}', '[{"role": "bot", "text": "x"}, {"role": "bot", "text": "y"}]'):
        assert (
            staff.post(
                page("fewshotexample_add"), {**form, "key": "n", "messages": wrong}
            ).status_code
            == 200
        )
    assert FewShotExample.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "prompt_changelist",
        "promptversion_changelist",
        "fewshotexample_changelist",
        "prompt_playground",
    ],
)
def test_lists_ask_a_bounded_number_of_queries(staff: Client, prompt: Prompt, name: str) -> None:
    query_count(staff, page(name))
    few = query_count(staff, page(name))
    for number in range(2, 8):
        PromptVersion.objects.create(prompt=prompt, number=number, text="x")
        FewShotExample.objects.create(key=f"k{number}", language="zh", intent="i", messages=[])
        Prompt.objects.create(purpose=f"p{number}", language="zh", title="t")

    assert query_count(staff, page(name)) == few <= LIST_QUERIES
