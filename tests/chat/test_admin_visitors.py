"""The admin of visitors: the tier is set, kinds of personal data are seen but no value, and data is erased."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chat import vault
from chat.models import Conversation, Message, VaultEntry, Visitor
from tests.factories import ConversationFactory, VisitorFactory

pytestmark = pytest.mark.django_db

ENGLISH = {"Accept-Language": "en"}
PHONE = "13912345678"
LIST = reverse("admin:chat_visitor_changelist")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def clerk(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def speaker() -> Visitor:
    """A visitor who gave a phone number."""
    conversation = ConversationFactory.create()
    visitor: Visitor = conversation.visitor
    text = vault.mask(visitor, f"我的手机号是{PHONE}")
    Message.objects.create(
        conversation=conversation, visitor=visitor, seq=1, role="visitor", text=text
    )
    return visitor


def url(visitor: Visitor) -> str:
    return reverse("admin:chat_visitor_change", args=[visitor.pk])


def erase(client: Client, *visitors: Visitor, **fields: str) -> Any:
    chosen = {"action": "erase", "_selected_action": [str(one.pk) for one in visitors]}
    return client.post(LIST, {**chosen, **fields}, follow=True, headers=ENGLISH)


def test_the_page_names_placeholders_and_never_values(staff: Client) -> None:
    visitor = speaker()
    entry = VaultEntry.objects.get()

    html = staff.get(url(visitor)).content.decode()

    assert "&lt;PHONE_1&gt;" in html
    assert PHONE not in html
    assert entry.sealed not in html
    assert entry.digest not in html


def test_the_vault_has_no_pages_of_its_own() -> None:
    assert VaultEntry not in admin.site._registry


def test_the_tier_is_the_staffs_to_set_and_nothing_else_is(staff: Client) -> None:
    visitor = speaker()

    staff.post(url(visitor), {"tier": "vip", "locale": "en"})

    visitor.refresh_from_db()
    assert (visitor.tier, visitor.locale) == ("vip", "zh-CN")


def test_a_tier_that_does_not_exist_is_refused(staff: Client) -> None:
    visitor = speaker()
    answer = staff.post(url(visitor), {"tier": "emperor"})
    assert "tier" in answer.context["adminform"].form.errors


def test_visitors_are_neither_added_nor_deleted(staff: Client) -> None:
    visitor = speaker()
    assert staff.get(reverse("admin:chat_visitor_add")).status_code == 403
    deletion = reverse("admin:chat_visitor_delete", args=[visitor.pk])
    assert staff.post(deletion, {"post": "yes"}).status_code == 403


def test_erasing_asks_first_and_says_what_it_means(staff: Client) -> None:
    visitor, other = speaker(), VisitorFactory.create()

    answer = erase(staff, visitor, other)

    html = answer.content.decode()
    assert "There is no way back." in html
    assert f"{visitor.pk}</code> · 1 conversations · 1 pieces of personal data" in html
    assert f"{other.pk}</code> · 0 conversations · 0 pieces" in html
    assert VaultEntry.objects.exists()
    assert Message.objects.exists()


def test_confirmed_it_erases_the_chosen_and_nobody_else(staff: Client) -> None:
    visitor, other = speaker(), speaker()

    answer = erase(staff, visitor, sure="yes")

    assert [str(m) for m in answer.context["messages"]] == ["The data of 1 customers was erased."]
    assert [entry.visitor for entry in VaultEntry.objects.all()] == [other]
    assert [line.visitor for line in Message.objects.all()] == [other]
    assert [c.visitor for c in Conversation.objects.all()] == [other]
    assert Visitor.objects.count() == 2


def test_erasing_wants_the_permission(staff: Client) -> None:
    visitor = speaker()
    client = clerk("view_visitor", "change_visitor")

    erase(client, visitor, sure="yes")

    assert VaultEntry.objects.exists()
    assert 'value="erase"' not in client.get(LIST).content.decode()
    assert 'value="erase"' in staff.get(LIST).content.decode()


def test_who_may_erase_may(staff: Client) -> None:
    visitor = speaker()
    erase(clerk("view_visitor", "delete_visitor"), visitor, sure="yes")
    assert not VaultEntry.objects.exists()


def test_who_may_only_look_sets_no_tier() -> None:
    visitor = speaker()
    client = clerk("view_visitor")
    assert client.get(url(visitor)).status_code == 200
    assert client.post(url(visitor), {"tier": "vip"}).status_code == 403
