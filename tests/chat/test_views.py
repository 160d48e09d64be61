"""Pages: the demo shop, embed.js and the widget's frame, with the headers that keep them where they belong."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escapejs

from chat import assets, protocol, showing
from chat.models import Inbox
from tests.factories import InboxFactory

pytestmark = pytest.mark.django_db

EXTERNAL = re.compile(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//(?!testserver)""")


@pytest.fixture
def browser() -> Client:
    return Client()


def directives(response: Any) -> dict[str, list[str]]:
    """The response's Content-Security-Policy as {"frame-ancestors": ["'self'"]}."""
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {part[0]: part[1:] for part in parts if part}


def test_demo_shop_embeds_the_first_inbox(browser: Client) -> None:
    InboxFactory.create_batch(2)
    first = Inbox.objects.order_by("pk")[0]

    response = browser.get("/")

    page = response.content.decode()
    assert response.status_code == 200
    assert escapejs(first.key) in page
    assert "http://testserver/embed.js" in page
    assert 'lang="zh-CN"' in page
    # What it says of the product is what the contract calls it, or every visitor's context is refused.
    said = re.search(r'context: \{product: \{(\w+): "([^"]+)"\}', page)
    assert said is not None
    assert protocol.Context.model_validate({"product": {said[1]: said[2]}, "page": "/"}).product
    assert not EXTERNAL.search(page)


def test_demo_shop_speaks_english(browser: Client) -> None:
    InboxFactory.create()

    assert 'lang="en"' in browser.get("/?lang=en").content.decode()


def test_sdk_page_has_a_button_for_each_method(browser: Client) -> None:
    script = (assets.SOURCE / "embed.js").read_text()
    methods = re.search(r"var methods = \{(.*?)\n  \};", script, re.DOTALL)
    assert methods is not None
    named = set(re.findall(r"^    (\w+): ", methods[1], re.MULTILINE)) - {"on", "off"}

    page = browser.get("/demo/sdk/").content.decode()

    calls = {
        json.loads(f"[{unescape(call)}]")[0] for call in re.findall(r'data-call="(.*?)"', page)
    }
    assert calls == named
    assert not EXTERNAL.search(page)


def test_demo_shop_without_an_inbox_still_shows(browser: Client) -> None:
    assert browser.get("/").status_code == 200


def test_demo_shop_may_not_be_framed_and_runs_no_foreign_script(browser: Client) -> None:
    response = browser.get("/")

    policy = directives(response)
    scripts = policy["script-src"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert scripts[0] == "'self'"
    assert all(source.startswith("'nonce-") for source in scripts[1:])
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example"])
def test_unknown_host_gets_no_page_with_links_to_it(browser: Client, host: str) -> None:
    response = browser.get("/", headers={"host": host})

    assert response.status_code == 400
    assert host not in response.content.decode()


def test_forwarded_host_is_not_believed(browser: Client) -> None:
    InboxFactory.create()

    page = browser.get("/", headers={"x-forwarded-host": "evil.example"}).content.decode()

    assert "evil.example" not in page


def test_embed_script_is_for_every_shop_and_cached_for_minutes(browser: Client) -> None:
    response = browser.get("/embed.js", headers={"origin": "https://shop.example"})

    script = response.content.decode()
    assert response.status_code == 200
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert ".yingda=" in script.replace(" ", "")


def test_embed_script_begins_with_the_look_of_its_inbox(browser: Client) -> None:
    greeting = {
        "page": "/cart*",
        "dwell_seconds": 5,
        "returning": None,
        "text": {"en": "Hi </script>"},
    }
    inbox = InboxFactory.create(color="#14665a", position="left", greetings=[greeting])

    script = browser.get("/embed.js", {"inbox": inbox.key}).content.decode()

    first, _, rest = script.partition(";\n")
    look = json.loads(first.removeprefix("window.yingdaInbox="))
    assert (look["key"], look["color"], look["position"]) == (inbox.key, "#14665a", "left")
    assert look["greetings"] == [greeting]
    assert "</" not in first
    assert rest == browser.get("/embed.js").content.decode()


@pytest.mark.parametrize(
    ("page", "is_refused"),
    [
        ("https://shop.example/cart", False),
        ("https://other.example/", True),
        ("http://shop.example/", True),
        ("http://testserver/", False),
        ("", False),
        ("https://[", False),
    ],
)
def test_a_page_that_may_not_frame_the_inbox_is_told_that_alone(
    browser: Client, page: str, is_refused: bool
) -> None:
    inbox = InboxFactory.create(allowed_domains=["https://shop.example"])

    response = browser.get("/embed.js", {"inbox": inbox.key}, headers={"referer": page})

    look = json.loads(response.content.decode().partition(";\n")[0].partition("=")[2])
    assert (look == {"key": inbox.key, "refused": True}) is is_refused
    assert ("refused" in look) is is_refused
    assert "shop.example" not in str(look)
    assert "Referer" in response["Vary"]


@pytest.mark.parametrize("key", ["", "ib_unknown", "%00", "x" * 300])
def test_embed_script_of_no_inbox_is_the_plain_one(browser: Client, key: str) -> None:
    script = browser.get("/embed.js", {"inbox": key}).content.decode()

    assert not script.startswith("window.yingdaInbox")


@pytest.mark.parametrize(
    ("domains", "framed_by"),
    [
        ([], ["'self'"]),
        (["https://shop.example"], ["'self'", "https://shop.example"]),
        (
            ["https://a.example", "https://b.example:8443"],
            ["'self'", "https://a.example", "https://b.example:8443"],
        ),
        (["*"], ["'self'", "https:", "http:"]),
    ],
)
def test_widget_is_framed_by_the_inboxs_pages_only(
    browser: Client, domains: list[str], framed_by: list[str]
) -> None:
    inbox = InboxFactory.create(allowed_domains=domains)

    response = browser.get(f"/widget/{inbox.key}/")

    assert response.status_code == 200
    assert directives(response)["frame-ancestors"] == framed_by
    assert "X-Frame-Options" not in response


def test_widget_tells_nothing_beyond_its_look(browser: Client) -> None:
    inbox = InboxFactory.create(name="</script><script>alert(1)</script>", bot_name="小助手")

    page = browser.get(f"/widget/{inbox.key}/").content.decode()

    config = re.search(r'<script id="widget-config" type="application/json">(.*?)</script>', page)
    assert config is not None
    assert set(json.loads(config[1])) == {
        "inbox",
        "preview",
        *showing.inbox_fields(inbox),
    }
    assert not {"shop_name", "allowed_domains", "identity_secret"} & set(json.loads(config[1]))
    assert "<script>alert" not in page
    assert not EXTERNAL.search(page)


@pytest.mark.parametrize("key", ["ib_unknown", "%00", "%ED%A0%80", "x" * 300, "..%2f..%2fadmin"])
def test_unknown_widget_is_not_found(browser: Client, key: str) -> None:
    assert browser.get(f"/widget/{key}/").status_code == 404


def test_disabled_widget_is_not_found(browser: Client) -> None:
    assert browser.get(f"/widget/{InboxFactory.create(enabled=False).key}/").status_code == 404


@pytest.mark.parametrize("path", ["/", "/embed.js", "/widget/ib_x/"])
def test_pages_take_no_posts(browser: Client, path: str) -> None:
    assert browser.post(path).status_code == 405
