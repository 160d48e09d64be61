"""Reports by mail, through a real SMTP server: what they say, to whom, and that each goes out once."""

import email
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from analytics import mailing, rollups
from analytics.models import InboxAccess, Outcome, ReportSubscription
from tests.analytics.history import Writer
from tests.stack import free_port

pytestmark = pytest.mark.django_db

# A Monday, half past eight in Shanghai.
MONDAY = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


class Post:
    """What came in, and whether it is taken."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 the library's name
        if self.refuses:
            return "451 not now"
        found = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 OK"


@pytest.fixture
def post(settings: Any) -> Iterator[Post]:
    handler = Post()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = False, False
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
    settings.PUBLIC_URL = "https://chat.example"
    yield handler
    controller.stop()


def subscriber(name: str = "wang", *, inbox: Any = None, **fields: Any) -> ReportSubscription:
    user = get_user_model().objects.create_user(name, f"{name}@shop.example", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outcome"))
    if inbox is not None:
        InboxAccess.objects.create(user=user, inbox=inbox)
    return ReportSubscription.objects.create(user=user, **fields)


@pytest.fixture
def writer() -> Writer:
    """Conversations of the week before MONDAY, counted."""
    found = Writer()
    for hours in range(10, 160, 10):
        found.conversation(MONDAY - timedelta(hours=hours))
    while not rollups.tick(seconds=5):
        pass
    return found


def parts(found: EmailMessage) -> tuple[str, str]:
    text, html = found.get_body(("plain",)), found.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_a_report_says_what_the_pages_say_of_the_readers_inboxes(
    post: Post, writer: Writer
) -> None:
    mine = writer.inboxes[0]
    subscriber(inbox=mine, language="en")

    assert mailing.send_due(MONDAY) == 1

    (found,) = post.mails
    assert found["To"] == "wang@shop.example"
    assert found["Subject"] == "Yingda, the week 2026-11-16 – 2026-11-22"
    since = datetime(2026, 11, 15, 16, tzinfo=UTC)
    wanted = Outcome.objects.filter(
        inbox_id=mine.pk, created_at__gte=since, created_at__lt=since + timedelta(days=7)
    ).exclude(kind="empty")
    text, html = parts(found)
    assert f"\nConversations: {wanted.count()}" in text
    assert "https://chat.example/analytics/?from=2026-11-16&to=2026-11-22" in text
    assert "from=2026-11-16&amp;to=2026-11-22" in html
    assert "/admin/analytics/reportsubscription/" in text
    assert "退款" not in text + html


def test_each_language_and_each_span(post: Post, writer: Writer) -> None:
    subscriber("li", every="day")

    mailing.send_due(MONDAY)

    (found,) = post.mails
    assert found["Subject"] == "应答日报 2026-11-22"
    assert "你还没有可以查看的接入点" in parts(found)[0]


def test_a_report_goes_out_once_however_often_it_is_rung_for(post: Post) -> None:
    row = subscriber()

    assert [mailing.send_due(MONDAY + timedelta(hours=hours)) for hours in (0, 1, 20)] == [1, 0, 0]
    # Another process that had read the row before it was claimed.
    row.refresh_from_db()
    stale = ReportSubscription.objects.get(pk=row.pk)
    stale.sent_until = None
    assert mailing.send(stale, MONDAY.date()) is False
    assert len(post.mails) == 1
    assert mailing.send_due(MONDAY + timedelta(days=7)) == 1


def test_what_the_server_refuses_is_tried_again_and_said(post: Post) -> None:
    row = subscriber()
    post.refuses = True

    assert mailing.send_due(MONDAY) == 0
    row.refresh_from_db()
    assert (row.sent_until, row.problem) == (None, "SMTPDataError")

    post.refuses = False
    assert mailing.send_due(MONDAY + timedelta(minutes=10)) == 1
    row.refresh_from_db()
    assert (row.sent_until, row.problem) == (date(2026, 11, 22), "")


class Killed(BaseException):
    """A worker that dies here, as far as anything can be caught."""


def die_while(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process that sends dies before the mail has gone, or right after it."""

    def send(message: Any) -> None:
        if step == "after":
            EmailMultiAlternatives.send(message)
        raise Killed

    def mail(*parts: Any) -> Any:
        found = build(*parts)
        monkeypatch.setattr(found, "send", lambda: send(found))
        return found

    build = mailing.mail
    monkeypatch.setattr(mailing, "mail", mail)
    with pytest.raises(Killed):
        mailing.send_due(MONDAY)
    monkeypatch.undo()


def lease_is_over() -> None:
    ReportSubscription.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(("step", "mails"), [("before", 1), ("after", 2)])
def test_a_report_whose_worker_died_is_sent_by_another(
    post: Post, monkeypatch: pytest.MonkeyPatch, step: str, mails: int
) -> None:
    row = subscriber()
    die_while(step, monkeypatch)

    assert mailing.send_due(MONDAY) == 0  # the dead one's lease
    lease_is_over()
    assert [mailing.send_due(MONDAY) for _ in range(2)] == [1, 0]

    assert len(post.mails) == mails
    row.refresh_from_db()
    assert (row.sent_until, row.begun, row.lease_until) == (date(2026, 11, 22), 0, None)


def test_each_report_is_begun_twice_however_often_the_one_before_was(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = subscriber()
    for _ in range(2):
        die_while("before", monkeypatch)
        lease_is_over()

    assert mailing.send_due(MONDAY + timedelta(days=7)) == 1

    row.refresh_from_db()
    assert (row.sent_until, row.begun, row.problem) == (date(2026, 11, 29), 0, "")


def test_a_report_that_kills_every_worker_is_given_up_and_said(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = subscriber()
    for _ in range(2):
        die_while("after", monkeypatch)
        lease_is_over()

    assert mailing.send_due(MONDAY) == 0

    assert len(post.mails) == 2
    row.refresh_from_db()
    assert (row.sent_until, row.problem) == (date(2026, 11, 22), "interrupted twice")
    assert mailing.send_due(MONDAY + timedelta(days=7)) == 1


def test_nobody_gets_what_they_should_not(post: Post, settings: Any) -> None:
    subscriber("off", enabled=False)
    get_user_model().objects.filter(pk=subscriber("left").user_id).update(is_active=False)
    subscriber("rightless").user.user_permissions.clear()
    get_user_model().objects.filter(pk=subscriber("addressless").user_id).update(email="")
    assert mailing.send_due(MONDAY) == 0

    subscriber("asleep")
    assert mailing.send_due(MONDAY - timedelta(hours=1)) == 0
    settings.EMAIL_HOST = ""
    assert mailing.send_due(MONDAY) == 0
    assert post.mails == []


def test_the_span_is_the_last_whole_one() -> None:
    for day, first, last in ((23, 16, 22), (24, 16, 22), (29, 16, 22), (30, 23, 29)):
        found = mailing.period_of("week", date(2026, 11, day))
        assert (found.first, found.last) == (date(2026, 11, first), date(2026, 11, last))
    found = mailing.period_of("day", date(2026, 11, 1))
    assert (found.first, found.last) == (date(2026, 10, 31), date(2026, 10, 31))


def test_somebody_without_an_address_cannot_be_chosen() -> None:
    user = get_user_model().objects.create_user("nobody", is_staff=True)

    with pytest.raises(ValidationError, match="no e-mail address"):
        ReportSubscription(user=user).clean()
