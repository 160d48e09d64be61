"""Runs of evaluation sets: every case is asked as production asks, checked, and stored while others look on.

Called by prompts.tasks, the admin and `manage.py run_evals`. A run belongs to the worker that holds its lease; a
second one that comes meanwhile leaves it alone, and one that comes later goes on where the first one stopped.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta

import structlog

from prompts import completion, lease, releases
from prompts.completion import Answer
from prompts.evaluation import asking, checks, judging
from prompts.evaluation.asking import Asked, NoShop
from prompts.evaluation.checks import Failure, Outcome
from prompts.llm.errors import AllFailed
from prompts.models import EvalCase, EvalResult, EvalRun, EvalSet, PromptVersion, Release
from prompts.redaction import engine
from prompts.redaction.spans import RedactionFailed
from prompts.release_trials import as_trial
from prompts.routing import Question, heard
from prompts.snapshot import Snapshot, release_connection, snapshot

log = structlog.get_logger(__name__)

# As many cases are asked at once; the lease outlives the longest of them.
AT_ONCE = 4
LEASE = timedelta(seconds=180)
State = EvalRun.State


def begin(
    chosen: EvalSet,
    *,
    version: PromptVersion | None = None,
    release: Release | None = None,
    user_id: int | None,
) -> EvalRun:
    """A run that waits for a worker, of one version, of a release, or of what customers hear."""
    return EvalRun.objects.create(
        set=chosen,
        version=version,
        release=release,
        subject=str(release or version or ""),
        threshold=chosen.threshold,
        cases=releases.digest_of(chosen.pk),
        total=chosen.cases.filter(enabled=True).count(),
        created_by_id=user_id,
    )


def cancel(pk: int) -> bool:
    """Stops a run after the cases that are being asked; False when it is over already."""
    return lease.cancel(EvalRun.objects.filter(pk=pk), State.CANCELLED)


def run(pk: int) -> None:
    """Asks every case of a run that nobody else is at."""
    this = EvalRun.objects.filter(pk=pk)
    if not lease.claim(this, LEASE):
        return
    rows = EvalRun.objects.select_related("set__judge", "version__prompt", "release__policy")
    row = rows.get(pk=pk)
    done = row.results.values_list("case_id", flat=True)
    cases = list(row.set.cases.filter(enabled=True).exclude(pk__in=done))
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="evaluation") as threads:
        for at in range(0, len(cases), AT_ONCE):
            some = cases[at : at + AT_ONCE]
            if not lease.keep(this, LEASE):
                return
            current = candidate(row)
            asked = threads.map(lambda case, now=current: tried(case, row, current=now), some)
            EvalResult.objects.bulk_create(asked, ignore_conflicts=True)
    finish(row)


def finish(row: EvalRun) -> None:
    """Counts what passed and ends the run, if it was not cancelled."""
    results = EvalResult.objects.filter(run=row)
    total = results.count()
    lease.end(
        EvalRun.objects.filter(pk=row.pk),
        State.DONE,
        total=total,
        passed=results.filter(passed=True).count(),
        critical=results.filter(blocks=True).count(),
    )
    log.info("evaluation_done", run=row.pk, cases=total)


def candidate(row: EvalRun) -> Snapshot:
    """What staff edit, as of now, with the run's version or release in the place of what speaks."""
    current = replace(snapshot(), trials=())
    if row.release is not None:
        return heard(as_trial(row.release), current)
    if row.version is None:
        return current
    place = (row.version.prompt.purpose, row.version.prompt.language)
    return replace(current, prompts={**current.prompts, place: row.version})


def tried(case: EvalCase, row: EvalRun, *, current: Snapshot) -> EvalResult:
    """One case, asked, checked and judged; whatever goes wrong is its failure, and stops no other.

    In a thread of its own, whose connection goes back to the pool.
    """
    case.set = row.set
    try:
        return judged(case, row, current=current)
    except AllFailed:
        return unanswered(case, row, "all_failed")
    except NoShop as error:
        return unanswered(case, row, "no_inbox", wanted=str(error))
    except Exception as error:
        log.exception("case_failed", run=row.pk, case=case.pk)
        return unanswered(case, row, "broken", wanted=type(error).__name__)
    finally:
        release_connection()


def judged(case: EvalCase, row: EvalRun, *, current: Snapshot) -> EvalResult:
    """What came of a case. Raises AllFailed and NoShop."""
    trace_id = f"eval-{row.pk}-{case.pk}"
    asked = asking.asked(case, trace_id=trace_id)
    answer = completion.rehearse(asked.question, current=current, toolbox=asked.toolbox)
    judgement = judging.judged(case, answer.text, trace_id=trace_id)
    found = checks.failures(case, outcome_of(asked, answer))
    by_others = bool(found)
    if judgement is not None and not judgement.passes:
        found = [*found, judgement.failure(case.rubric)]
    return EvalResult(
        run=row,
        case=case,
        passed=not found,
        failures=[failure.as_json() for failure in found],
        blocks=case.critical and bool(found) and (by_others or row.set.judge_blocks),
        calls=[asdict(call) for call in asked.calls],
        verdict=judgement.as_json() if judgement else {},
        answer=answer.text,
        endpoint=answer.endpoint,
        version_id=answer.prompt_version_id,
        total_ms=answer.timings_ms.get("stream", 0.0),
    )


def unanswered(case: EvalCase, row: EvalRun, why: str, *, wanted: str = "") -> EvalResult:
    """`why` is a name, which the pages have words for."""
    failed = Failure("answered", wanted, why).as_json()
    return EvalResult(run=row, case=case, passed=False, failures=[failed], blocks=case.critical)


def outcome_of(asked: Asked, answer: Answer) -> Outcome:
    question = asked.question
    return Outcome(
        answer=answer.text,
        intent=question.intent,
        emotion=question.emotion,
        slots=question.slots,
        sops=[hit.key for hit in answer.hits],
        personal=sorted(set(personal(question, answer))),
        calls=asked.calls,
        error="model_failed" if answer.model_failed else "",
    )


def personal(question: Question, answer: Answer) -> Iterator[str]:
    """Kinds of personal data in the answer that no SOP publishes."""
    language: engine.Language = "en" if question.language == "en" else "zh"
    try:
        spans = engine.find(answer.text, language=language)
    except RedactionFailed:
        yield "unexamined"
        return
    public = "\n".join(hit.answer for hit in answer.hits)
    for span in spans:
        if answer.text[span.start : span.end] not in public:
            yield str(span.type)


def before(row: EvalRun) -> EvalRun | None:
    """The set's last finished run before this one."""
    earlier = EvalRun.objects.filter(set_id=row.set_id, state=State.DONE, pk__lt=row.pk)
    return earlier.order_by("-pk").first()


def changes(now: Mapping[int, bool], earlier: EvalRun | None) -> dict[int, bool]:
    """Cases whose result differs from the earlier run's: their ids, and whether they pass `now`."""
    if earlier is None:
        return {}
    then = verdicts(earlier)
    return {case: passes for case, passes in now.items() if then.get(case, passes) != passes}


def verdicts(row: EvalRun) -> dict[int, bool]:
    """The cases that were asked so far, by id, and whether they passed."""
    return dict(row.results.order_by().values_list("case_id", "passed"))
