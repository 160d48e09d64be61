"""Personal data is sealed on its way in and opened for its owner only."""

import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chat import transcript, turn, vault
from chat.actions import visitor as actions
from chat.models import Message, Turn, VaultEntry, Visitor
from chat.protocol import ProtocolError
from chat.states import Role
from prompts.models import ModelEndpoint
from prompts.redaction import engine
from prompts.redaction.vault import VaultError
from tests.factories import VisitorFactory
from tests.fakes.provider_control import ProviderControl, running

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "127.0.0.1"
PHONE, OTHER_PHONE = "13812345678", "13987654321"
OLD_KEY, NEW_KEY = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def forgotten_keys() -> Iterator[None]:
    """The keys of one test are not those of the next."""
    vault.vault.cache_clear()
    yield
    vault.vault.cache_clear()


@pytest.fixture
def other(inbox: Any) -> Visitor:
    return VisitorFactory.create(inbox=inbox)


def post(visitor: Visitor, text: str, *, client_id: UUID | None = None) -> actions.Posted:
    return actions.post_message(visitor, client_id=client_id or uuid4(), text=text, address=HERE)


def entry(visitor: Visitor) -> VaultEntry:
    return VaultEntry.objects.get(visitor=visitor)


# --- in --------------------------------------------------------------------------------------------


def test_mask_gives_a_value_one_placeholder_however_it_is_written(visitor: Visitor) -> None:
    first = vault.mask(visitor, f"电话{PHONE}")
    again = vault.mask(visitor, "是 138-1234-5678,不是13987654321")
    assert (first, again) == ("电话<PHONE_1>", "是 <PHONE_1>,不是<PHONE_2>")
    assert [e.placeholder for e in VaultEntry.objects.order_by("placeholder")] == [
        "<PHONE_1>",
        "<PHONE_2>",
    ]


def test_mask_keeps_the_value_as_it_was_first_written(visitor: Visitor) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    before = entry(visitor).sealed
    vault.mask(visitor, "电话 138 1234 5678")
    assert entry(visitor).sealed == before
    assert vault.unseal(entry(visitor)) == PHONE


def test_mask_of_what_is_nobodys_writes_nothing(
    visitor: Visitor, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert vault.mask(visitor, "我的订单怎么还没到?") == "我的订单怎么还没到?"


def test_what_is_sealed_does_not_show_its_value(visitor: Visitor) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    kept = entry(visitor)
    assert PHONE not in f"{kept.sealed}{kept.digest}{kept.placeholder}{kept}"


@pytest.mark.parametrize(
    "typed", ["<PHONE_1>", "<phone_1>", "＜PHONE_1＞", "《PHONE_1》", "< PHONE_1 >"]
)
def test_a_typed_placeholder_is_disarmed(visitor: Visitor, typed: str) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    masked = vault.mask(visitor, f"{typed}是谁的")
    assert not vault.holds_placeholders(masked)
    assert PHONE not in vault.Values(visitor.pk).in_text(masked)


@pytest.mark.parametrize("typed", ["<MESSAGE_1>", "<message_1>", "＜MESSAGE_1＞"])
def test_a_typed_placeholder_of_a_whole_line_is_disarmed(visitor: Visitor, typed: str) -> None:
    vault.seal_whole(visitor, "一整行")
    masked = vault.mask(visitor, f"{typed}是谁的")
    assert vault.is_readable(masked)
    assert "一整行" not in vault.Values(visitor.pk).in_text(masked)


# --- out -------------------------------------------------------------------------------------------


def test_visitors_never_share_or_see_each_others_values(visitor: Visitor, other: Visitor) -> None:
    mine, theirs = vault.mask(visitor, f"电话{PHONE}"), vault.mask(other, f"电话{OTHER_PHONE}")
    assert mine == theirs == "电话<PHONE_1>"
    assert vault.Values(visitor.pk).in_text(theirs) == f"电话{PHONE}"
    assert vault.Values(other.pk).in_text(mine) == f"电话{OTHER_PHONE}"
    assert entry(visitor).sealed != entry(other).sealed


def test_the_same_value_of_two_visitors_is_two_entries(visitor: Visitor, other: Visitor) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    vault.mask(other, f"电话{PHONE}")
    assert VaultEntry.objects.count() == 2
    assert vault.Values(uuid4()).in_text("<PHONE_1>") == "<PHONE_1>"


def test_a_placeholder_nobody_knows_stays_as_it_is(visitor: Visitor) -> None:
    values = vault.Values(visitor.pk)
    assert values.in_text("打<PHONE_7>") == "打<PHONE_7>"
    assert values.in_html("<p>打&lt;PHONE_7&gt;</p>") == "<p>打&lt;PHONE_7&gt;</p>"


def test_values_in_html_are_escaped(visitor: Visitor) -> None:
    placeholder = vault.seal_whole(visitor, "<b onclick='x()'>&\n第二行")
    html = transcript.to_html(placeholder, role=Role.VISITOR)
    assert vault.Values(visitor.pk).in_html(html) == (
        "<p>&lt;b onclick=&#x27;x()&#x27;&gt;&amp;<br>第二行</p>"
    )


@pytest.mark.parametrize("text", ["打<PHONE_1>", "**打** <PHONE_1> - 好"])
def test_values_appear_in_what_a_bot_writes_too(visitor: Visitor, text: str) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    html = vault.Values(visitor.pk).in_html(transcript.to_html(text, role=Role.BOT))
    assert PHONE in html
    assert "PHONE_1" not in html


def test_in_frame_changes_the_copy_and_not_the_frame(visitor: Visitor) -> None:
    vault.mask(visitor, f"电话{PHONE}")
    line = {"type": "message", "text": "<PHONE_1>", "html": "<p>&lt;PHONE_1&gt;</p>"}
    ready = {"type": "ready", "messages": [line], "partial": {"text": "打<PHONE_1>", "offset": 0}}
    shown = vault.Values(visitor.pk).in_frame(ready)
    assert shown["messages"] == [{"type": "message", "text": PHONE, "html": f"<p>{PHONE}</p>"}]
    assert shown["partial"] == {"text": f"打{PHONE}", "offset": 0}
    assert line["text"] == "<PHONE_1>"


# --- lines that cannot be examined -------------------------------------------------------------------


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector breaks, quoting what it read."""

    def broken(text: str, **known: Any) -> Any:
        raise ValueError(text)

    monkeypatch.setattr(engine, "examined", broken)


@pytest.fixture
def provider() -> Iterator[ProviderControl]:
    with running() as control:
        yield control


@pytest.fixture
def model(provider: ProviderControl, settings: Any, texts: None) -> ModelEndpoint:
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": "sk-of-a-test"}
    return ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
    )


@pytest.mark.usefixtures("blind")
def test_a_line_that_cannot_be_examined_is_sealed_whole_and_asks_no_model(
    visitor: Visitor, model: ModelEndpoint, provider: ProviderControl, capfd: Any
) -> None:
    secret = f"我叫张三,电话{PHONE}"
    posted = post(visitor, secret)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")

    line, answer = Message.objects.order_by("seq")
    assert (line.text, answer.role) == ("<MESSAGE_1>", Role.BOT)
    assert vault.Values(visitor.pk).in_text(line.text) == secret
    assert provider.requests() == []
    assert Turn.objects.get().decision["answered_by"] == "sop"
    assert PHONE not in "".join(capfd.readouterr())


def test_a_line_sealed_earlier_goes_to_no_model_with_the_thread(
    visitor: Visitor,
    model: ModelEndpoint,
    provider: ProviderControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(engine, "TEXT_CHARS_MAX", 3)
        posted = post(visitor, f"电话{PHONE}")
        assert posted.turn_id is not None
        turn.run(posted.turn_id, worker="w1")
    posted = post(visitor, "在吗")
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    asked = [request["body"]["messages"] for request in provider.requests()]
    assert len(asked) == 1
    assert PHONE not in str(asked)


def test_seal_whole_is_idempotent_and_counts_on(visitor: Visitor) -> None:
    sealed = [vault.seal_whole(visitor, text) for text in ("一", "二", "一")]
    assert sealed == ["<MESSAGE_1>", "<MESSAGE_2>", "<MESSAGE_1>"]


# --- the same line again -----------------------------------------------------------------------------


def test_the_same_raw_line_again_is_acked_the_same(visitor: Visitor) -> None:
    client_id = uuid4()
    first = post(visitor, f"电话{PHONE}", client_id=client_id)
    assert post(visitor, f"电话{PHONE}", client_id=client_id) == first
    assert Message.objects.count() == VaultEntry.objects.count() == 1


@pytest.mark.parametrize("text", [f"电话{OTHER_PHONE}", f"电话{PHONE}!", "电话<PHONE_1>"])
def test_another_line_under_the_same_client_id_conflicts(visitor: Visitor, text: str) -> None:
    client_id = uuid4()
    post(visitor, f"电话{PHONE}", client_id=client_id)
    with pytest.raises(ProtocolError) as refused:
        post(visitor, text, client_id=client_id)
    assert refused.value.code == "conflict"
    assert Message.objects.count() == VaultEntry.objects.count() == 1


def test_a_line_sealed_whole_and_sent_again_once_it_can_be_read_is_acked_the_same(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(engine, "TEXT_CHARS_MAX", 3)
        first = post(visitor, f"电话{PHONE}", client_id=client_id)
    assert post(visitor, f"电话{PHONE}", client_id=client_id) == first


# --- keys ----------------------------------------------------------------------------------------------


def test_a_token_opens_in_its_own_row_only(visitor: Visitor, other: Visitor) -> None:
    vault.mask(visitor, f"电话{PHONE},{OTHER_PHONE}")
    vault.mask(other, f"电话{OTHER_PHONE}")
    first, second = VaultEntry.objects.filter(visitor=visitor).order_by("placeholder")
    theirs = entry(other)
    theirs.sealed = first.sealed
    with pytest.raises(VaultError):
        vault.unseal(theirs)
    second.sealed = first.sealed
    with pytest.raises(VaultError):
        vault.unseal(second)


def keys(settings: Any, *names: bytes) -> None:
    settings.VAULT_KEYS = [*names]
    vault.vault.cache_clear()


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_vault", stdout=out)
    return out.getvalue().strip()


def test_rotate_seals_anew_and_then_the_old_key_may_go(visitor: Visitor, settings: Any) -> None:
    keys(settings, OLD_KEY)
    vault.mask(visitor, f"电话{PHONE},{OTHER_PHONE}")
    keys(settings, NEW_KEY, OLD_KEY)
    assert vault.Values(visitor.pk).in_text("<PHONE_1>") == PHONE
    assert rotate() == "2 sealed anew, 0 cannot be opened by any key"
    assert rotate() == "0 sealed anew, 0 cannot be opened by any key"
    keys(settings, NEW_KEY)
    assert vault.Values(visitor.pk).in_text("<PHONE_1> <PHONE_2>") == f"{PHONE} {OTHER_PHONE}"


def test_rotate_says_what_no_key_opens_and_leaves_it(visitor: Visitor, settings: Any) -> None:
    keys(settings, OLD_KEY)
    vault.mask(visitor, f"电话{PHONE}")
    before = entry(visitor).sealed
    keys(settings, NEW_KEY)
    with pytest.raises(CommandError):
        rotate()
    assert entry(visitor).sealed == before


def test_a_value_whose_key_is_gone_stays_a_placeholder(visitor: Visitor, settings: Any) -> None:
    keys(settings, OLD_KEY)
    vault.mask(visitor, f"电话{PHONE}")
    keys(settings, NEW_KEY)
    vault.mask(visitor, f"电话{OTHER_PHONE}")
    shown = vault.Values(visitor.pk).in_text("<PHONE_1> <PHONE_2>")
    assert shown == f"<PHONE_1> {OTHER_PHONE}"
