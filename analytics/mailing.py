"""The overview by mail: a day's or a week's figures beside those before, to whoever asked for them. Called by tasks.

Figures only: nothing that was said and nobody's name. Of the inboxes its reader may see when it is sent.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import DatabaseError, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone, translation

from analytics import access, building, spans
from analytics.figures import Figure, figure
from analytics.models import ReportSubscription
from analytics.pages import PAGES
from analytics.reading import Question
from analytics.spans import Period
from analytics.words import REPORTS

log = structlog.get_logger(__name__)

# Of the shop's day: not in anybody's night, and when the day before is counted.
FROM_HOUR = 8
WEEK_DAYS = 7
# Outlives the reading of the figures and the mail server's patience.
LEASE = timedelta(minutes=5)
BEGUN_MOST = 2
GIVEN_UP = "interrupted twice"


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail says, in the language of its reader."""

    subject: str
    text: str
    html: str


def send_due(now: datetime) -> int:
    """Sends the reports that are due; how many. One that could not be sent is tried again at the next ring.

    One whose process died is sent by another when the lease is over: twice at most, should it have been gone already.
    """
    local = timezone.localtime(now, spans.zone())
    if not settings.EMAIL_HOST or local.hour < FROM_HOUR:
        return 0
    rows = ReportSubscription.objects.filter(enabled=True, user__is_active=True)
    return sum(send(row, local.date()) for row in rows.select_related("user").order_by("pk"))


def send(row: ReportSubscription, today: date) -> bool:
    """Whether this call has sent the subscription's newest report."""
    period = period_of(row.every, today)
    if not row.user.email or not access.may_view(row.user) or not claim(row, period):
        return False
    try:
        mail(row, build(row, period)).send()
    except (SMTPException, OSError, DatabaseError, ValueError) as error:
        give_back(row, type(error).__name__)
        return False
    held(row).update(sent_until=period.last, lease_until=None, begun=0)
    log.info("report_sent", subscription=row.pk, until=period.last.isoformat())
    return True


def period_of(every: str, today: date) -> Period:
    """The last whole day, or the last whole week from Monday on."""
    if every == ReportSubscription.Every.DAY:
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    monday = today - timedelta(days=today.weekday())
    return Period(monday - timedelta(days=WEEK_DAYS), monday - timedelta(days=1))


def claim(row: ReportSubscription, period: Period) -> bool:
    """Whether the report is this process's to send: of those that try, exactly one. It knows the row's lease then."""
    unsent = Q(sent_until=None) | Q(sent_until__lt=period.last)
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    rows = ReportSubscription.objects.filter(unsent, free, pk=row.pk, enabled=True)
    with transaction.atomic():  # what is read is the lease that was written
        lease = Now() + LEASE
        same = Q(begun_for=period.last)
        mine = rows.filter(~same | Q(begun__lt=BEGUN_MOST))
        begun = Case(When(same, then=F("begun") + 1), default=1)
        if mine.update(lease_until=lease, begun=begun, begun_for=period.last, problem=""):
            row.refresh_from_db(fields=["lease_until"])
            return True
    if rows.update(sent_until=period.last, lease_until=None, begun=0, problem=GIVEN_UP):
        log.error("report_given_up", subscription=row.pk, until=period.last.isoformat())
    return False


def held(row: ReportSubscription) -> QuerySet[ReportSubscription]:
    """The row as long as this process's lease on it holds."""
    return ReportSubscription.objects.filter(pk=row.pk, lease_until=row.lease_until)


def give_back(row: ReportSubscription, problem: str) -> None:
    """It was not sent: whoever comes next may try at once, and it does not count as begun."""
    log.warning("report_not_sent", subscription=row.pk, error=problem)
    held(row).update(lease_until=None, begun=F("begun") - 1, problem=problem[:80])


def build(row: ReportSubscription, period: Period) -> Report:
    inboxes = access.inboxes_of(row.user)
    with translation.override(row.language):
        figures = overview(Question(period, inboxes))
        context = {
            "r": REPORTS,
            "figures": figures,
            "period": period,
            "before": period.before(),
            "sees_nothing": inboxes == (),
            "url": settings.PUBLIC_URL,
            "query": f"from={period.first.isoformat()}&to={period.last.isoformat()}",
            "pk": row.pk,
        }
        return Report(
            f"{REPORTS[row.every]} {span(period)}",
            render_to_string("analytics/report.txt", context),
            render_to_string("analytics/report.html", context),
        )


def overview(question: Question) -> list[Figure]:
    page = PAGES["overview"]
    found = building.read_days(page, question)
    spread = building.read_spread(page, question)
    return [figure(key, found, spread, question) for key in page.figures]


def span(period: Period) -> str:
    days = sorted({period.first.isoformat(), period.last.isoformat()})
    return " – ".join(days)


def mail(row: ReportSubscription, report: Report) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(report.subject, report.text, to=[row.user.email])
    message.attach_alternative(report.html, "text/html")
    return message
