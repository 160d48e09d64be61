"""How releases fare is read by who keeps conversations; what takes long is not read at every beat."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from prompts.models import Release
from prompts.releases import Outcomes, evidence


@pytest.fixture
def asked() -> Iterator[list[datetime]]:
    """From when on the reader was asked, each time; it finds one turn more at every time."""
    before, found = evidence.Register.reader, list[datetime]()

    def read(name: str, since: datetime, until: datetime) -> tuple[Outcomes, Outcomes]:
        found.append(since)
        return Outcomes(turns=len(found)), Outcomes()

    evidence.register(read)
    yield found
    evidence.register(before)


@pytest.fixture
def release() -> Release:
    return Release(name="spring", started_at=timezone.now() - timedelta(days=9))


def turns(release: Release, *, since: datetime | None = None) -> int:
    return evidence.read(release, since=since)[0].turns


def test_what_is_quick_is_read_each_time(
    release: Release, asked: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "SLOW_SECONDS", 3600.0)

    assert [turns(release), turns(release)] == [1, 2]


def test_what_is_slow_is_told_again_for_a_while(
    release: Release, asked: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(evidence, "KEPT_TIMES", 1e9)

    assert [turns(release), turns(release)] == [1, 1]
    # Another stretch of it is another question, and so is the whole once it is over.
    assert turns(release, since=timezone.now() - timedelta(days=1)) == 2
    release.ended_at = timezone.now()
    assert [turns(release), turns(release)] == [3, 3]

    monkeypatch.setattr(evidence, "KEPT_TIMES", 0)
    assert turns(Release(name="autumn", started_at=release.started_at)) == 4
    assert turns(Release(name="autumn", started_at=release.started_at)) == 5


def test_only_so_much_is_kept(
    release: Release, asked: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(evidence, "KEPT_MOST", 3)

    for days in range(1, 7):
        turns(release, since=timezone.now() - timedelta(days=days))

    assert len(evidence.KEPT) == 3
