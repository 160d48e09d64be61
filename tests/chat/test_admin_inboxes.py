"""The admin of inboxes: what is typed becomes settings, what cannot be is refused beside its field, and the pages around it."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from chat import identity
from chat.models import Inbox, WidgetSighting
from tests.factories import InboxFactory

pytestmark = pytest.mark.django_db

ENGLISH = {"Accept-Language": "en"}
FILLED: dict[str, Any] = {
    "name": "在线客服",
    "shop_name": "山野杂货",
    "bot_name": "小助手",
    "locale": "zh-CN",
    "color": "#1f5fa8",
    "theme": "dark",
    "position": "left",
    "sound": "on",
    "ai_label": "on",
    "uploads": "on",
    "enabled": "on",
    "reception": "human_first",
    "hours_zone": "Asia/Shanghai",
    "hours_mon": "09:00-12:00 13:00-18:00",
    "hours_special": "2026-10-01\n2026-10-10 09:00-18:00",
    "text_welcome-zh-CN": "您好",
    "text_welcome-en": "Hello",
    "quick_questions-zh-CN": "查物流\r\n\r\n退货",
    "rating_tags-en": "Quick",
    "allowed_domains": "https://shop.example\nhttps://b.example:8443",
    "prechat-0-name": "topic",
    "prechat-0-kind": "select",
    "prechat-0-required": "1",
    "prechat-0-label-en": "Topic",
    "prechat-0-options-en": "Order, Return",
    "prechat-1-kind": "text",
    "greetings-0-page": "/cart*",
    "greetings-0-dwell_seconds": "20",
    "greetings-0-returning": "back",
    "greetings-0-text-zh-CN": "欢迎回来",
    "sightings-TOTAL_FORMS": "0",
    "sightings-INITIAL_FORMS": "0",
}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def inbox() -> Any:
    return InboxFactory.create()


def change(inbox: Inbox) -> str:
    return reverse("admin:chat_inbox_change", args=[inbox.pk])


def save(staff: Client, inbox: Inbox, **changes: Any) -> Any:
    return staff.post(change(inbox), {**FILLED, **changes}, headers=ENGLISH)


def test_what_is_typed_becomes_settings(staff: Client, inbox: Inbox) -> None:
    assert save(staff, inbox).status_code == 302

    inbox.refresh_from_db()
    assert (inbox.color, inbox.theme, inbox.position) == ("#1f5fa8", "dark", "left")
    assert inbox.texts == {"welcome": {"zh-CN": "您好", "en": "Hello"}}
    assert inbox.quick_questions == {"zh-CN": ["查物流", "退货"]}
    assert inbox.rating_tags == {"en": ["Quick"]}
    assert inbox.allowed_domains == ["https://shop.example", "https://b.example:8443"]
    assert inbox.hours == {
        "time_zone": "Asia/Shanghai",
        "week": {"mon": ["09:00-12:00", "13:00-18:00"]},
        "days": {"2026-10-01": [], "2026-10-10": ["09:00-18:00"]},
    }
    assert inbox.prechat == [
        {
            "name": "topic",
            "kind": "select",
            "required": True,
            "label": {"en": "Topic"},
            "options": {"en": ["Order", "Return"]},
        }
    ]
    assert inbox.greetings == [
        {"page": "/cart*", "dwell_seconds": 20, "returning": True, "text": {"zh-CN": "欢迎回来"}}
    ]


def values(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', html))


def test_settings_are_shown_as_they_were_typed(staff: Client, inbox: Inbox) -> None:
    save(staff, inbox)

    html = staff.get(change(inbox), headers=ENGLISH).content.decode()

    shown = values(html)
    assert shown["prechat-0-options-en"] == "Order, Return"
    assert shown["greetings-0-page"] == "/cart*"
    assert "查物流\n退货" in html
    assert "2026-10-10 09:00-18:00" in html
    assert "https://shop.example\nhttps://b.example:8443" in html
    assert save(staff, inbox).status_code == 302


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"color": "#ffffff"}, "cannot be seen on a white page"),
        ({"color": "red"}, "Give the colour as"),
        ({"theme": "pink"}, "not one of the available choices"),
        ({"hours_zone": "Mars"}, "There is no such time zone."),
        ({"hours_zone": ""}, "Say which time zone"),
        ({"hours_mon": "9-18"}, "is no time like 09:00-18:00"),
        ({"hours_special": "Christmas"}, "is no date like 2026-10-01"),
        ({"text_welcome-en": "x" * 501}, "At most 500 characters."),
        ({"quick_questions-en": "a\n" * 11}, "At most 10 in each language."),
        ({"allowed_domains": "shop.example; frame-src *"}, "One origin a line"),
        ({"prechat-0-name": "Der Name"}, "takes small letters"),
        ({"prechat-0-options-en": ""}, "A select has options"),
        ({"greetings-0-dwell_seconds": "soon"}, "Dwell between 0 and 600 seconds."),
        ({"greetings-0-text-zh-CN": ""}, "Say what the greeting says."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_saved(
    staff: Client, inbox: Inbox, changes: dict[str, Any], said: str
) -> None:
    answer = save(staff, inbox, **changes)

    assert answer.status_code == 200
    assert said in answer.content.decode().replace("&#x27;", "'")
    inbox.refresh_from_db()
    assert inbox.color == ""


def picture() -> SimpleUploadedFile:
    body = BytesIO()
    Image.new("RGB", (600, 600), "#14665a").save(body, "PNG")
    return SimpleUploadedFile("logo.png", body.getvalue())


def test_a_logo_is_cleaned_shown_and_removed(
    staff: Client, inbox: Inbox, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert save(staff, inbox, logo_file=picture()).status_code == 302
    inbox.refresh_from_db()
    body = (
        Client()
        .post("/api/v1/client/sessions", {"inbox": inbox.key}, content_type="application/json")
        .json()
    )

    response = Client().get(body["inbox"]["logo"])

    assert Image.open(BytesIO(response.content)).size == (256, 256)
    assert "max-age" in response["Cache-Control"]
    assert Client().get(f"/widget/{inbox.key}/logo/other.jpg").status_code == 404
    save(staff, inbox, logo_remove="on")
    inbox.refresh_from_db()
    assert inbox.logo == ""
    assert not list(tmp_path.rglob("*.*"))
    svg = SimpleUploadedFile("a.svg", b"<svg onload='alert(1)'/>")
    assert "Send a JPEG" in save(staff, inbox, logo_file=svg).content.decode()


def test_the_preview_shows_what_is_not_saved_and_saves_nothing(staff: Client, inbox: Inbox) -> None:
    url = reverse("admin:chat_inbox_preview", args=[inbox.pk])

    response = staff.post(f"{url}?lang=en", {**FILLED, "name": "Draft"}, headers=ENGLISH)

    page = response.content.decode()
    assert response.status_code == 200
    assert '"preview": true' in page
    assert "Draft" in page
    assert '"welcome": "Hello"' in page
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert "X-Frame-Options" not in response
    inbox.refresh_from_db()
    assert inbox.name != "Draft"
    broken = staff.post(url, {**FILLED, "color": "red", "hours_mon": "?"}).content.decode()
    assert '"color": null' in broken


def test_the_second_of_two_at_one_inbox_is_told_and_may_insist(staff: Client, inbox: Inbox) -> None:
    seen = staff.get(change(inbox)).context["adminform"].form.initial["seen"]
    Inbox.objects.filter(pk=inbox.pk).update(shop_name="别人改的")

    refused = save(staff, inbox, seen=seen)

    assert "Not saved: the platform changed this" in refused.content.decode()
    assert Inbox.objects.get().shop_name == "别人改的"
    # A preview writes nothing: it is shown all the same.
    preview = reverse("admin:chat_inbox_preview", args=[inbox.pk])
    assert staff.post(preview, {**FILLED, "seen": seen}).status_code == 200
    insisted = refused.context["adminform"].form["seen"].value()
    assert save(staff, inbox, seen=insisted).status_code == 302
    assert Inbox.objects.get().shop_name == FILLED["shop_name"]


def test_the_snippet_names_the_inbox_and_the_public_address(
    staff: Client, inbox: Inbox, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://chat.example"

    html = staff.get(change(inbox)).content.decode()

    assert f"https://chat.example/embed.js?inbox={inbox.key}" in html


def test_a_secret_is_shown_once(staff: Client, inbox: Inbox) -> None:
    url = reverse("admin:chat_inbox_secret", args=[inbox.pk])
    assert staff.get(url).status_code == 404

    answer = staff.post(url, {"renew": "1"})

    inbox.refresh_from_db()
    (secret,) = identity.secrets_of(inbox)
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in staff.get(change(inbox)).content.decode()
    staff.post(url, {"renew": "1"})
    inbox.refresh_from_db()
    assert len(identity.secrets_of(inbox)) == 2
    assert staff.post(url, {"revoke": "1"}).status_code == 302
    inbox.refresh_from_db()
    assert len(identity.secrets_of(inbox)) == 1


def test_the_preview_in_a_language_there_is_not_is_in_the_inboxs_own(
    staff: Client, inbox: Inbox
) -> None:
    url = reverse("admin:chat_inbox_preview", args=[inbox.pk])
    shown = staff.post(f"{url}?lang=xx", FILLED)
    assert shown.status_code == 200
    assert f'"locale": "{inbox.locale}"' in shown.content.decode()


@pytest.mark.parametrize("page", ["preview", "secret"])
def test_pages_are_for_those_who_may_change_inboxes(
    client: Client, inbox: Inbox, page: str
) -> None:
    url = reverse(f"admin:chat_inbox_{page}", args=[inbox.pk])
    assert client.post(url).status_code == 302
    client.force_login(get_user_model().objects.create_user("clerk", is_staff=True))
    assert client.post(url).status_code in {403, 404}
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(get_user_model().objects.create_superuser("boss"))
    assert checked.post(url, {"renew": "1"}).status_code == 403


def test_versions_in_the_wild_are_listed(staff: Client, inbox: Inbox) -> None:
    WidgetSighting.objects.create(inbox=inbox, origin="https://shop.example", version="old123")

    html = staff.get(change(inbox), headers=ENGLISH).content.decode()

    assert "old123" in html
    assert "Seen in the wild" in html


def test_an_inbox_can_be_made(staff: Client) -> None:
    url = reverse("admin:chat_inbox_add")
    assert staff.get(url, headers=ENGLISH).status_code == 200

    assert staff.post(url, FILLED).status_code == 302
    assert Inbox.objects.get().key.startswith("ib_")


def test_an_inbox_without_a_colour_is_saved_without_one(staff: Client, inbox: Inbox) -> None:
    page = staff.get(f"/admin/chat/inbox/{inbox.pk}/change/").content.decode()
    shown = re.search(r'<input type="color" name="color" value="(#[0-9a-f]{6})"', page)
    assert shown is not None

    assert save(staff, inbox, color=shown[1]).status_code == 302

    inbox.refresh_from_db()
    assert inbox.color == ""
