"""A small shop's texts, one or two rows of every kind of object a bundle holds."""

from pathlib import Path

from django.db import connection

from prompts import retrieval
from prompts.models import (
    EvalCase,
    EvalSet,
    FewShotExample,
    Intent,
    IntentExample,
    Prompt,
    PromptVersion,
    Release,
    RoutePolicy,
    Sop,
    SopQuestion,
)

TABLES = (Prompt, PromptVersion, Release, EvalSet, RoutePolicy, Intent, FewShotExample, Sop)


def write_shop() -> Prompt:
    """Version 1 is over, 2 is in force, 3 is in a release that is tried."""
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="回答")
    versions = [
        PromptVersion.objects.create(
            prompt=prompt, number=number, note=f"第 {number} 版", text="你是客服。\n{{rules}}",
            rules=f"规则 {number}\n先道歉", example_keys=["late"], example_mode="fixed",
        )
        for number in (1, 2, 3)
    ]  # fmt: skip
    prompt.current = versions[1]
    prompt.save()
    FewShotExample.objects.create(
        key="late", language="zh", intent="urge", emotion="negative", tags=["安抚"],
        messages=[{"role": "visitor", "text": "怎么还不发货"}, {"role": "bot", "text": "抱歉，马上催。"}],
    )  # fmt: skip
    sop = Sop.objects.create(
        key="return", language="zh", title="如何退货", category="return", intent="return",
        answer="在订单里申请退货。\n七天内可退。", steps=["打开订单"], valid_to="2027-01-01T00:00:00+08:00",
    )  # fmt: skip
    SopQuestion.objects.create(sop=sop, text="东西想退掉")
    retrieval.index_sop(sop)
    cases = EvalSet.objects.create(name="night", title="夜间", threshold=90)
    EvalCase.objects.create(
        set=cases, key="late-1", text="怎么还不发货", history=[["visitor", "在吗"], ["bot", "在的"]],
        must_contain=["抱歉"], max_chars=60, enabled=False,
    )  # fmt: skip
    intent = Intent.objects.create(name="urge", title_zh="催单", title_en="Urge")
    IntentExample.objects.create(intent=intent, language="zh", text="快点发货", emotion="negative")
    IntentExample.objects.create(
        intent=intent, language="zh", text="还没想好", source="candidate", enabled=False
    )
    policy = RoutePolicy.objects.create(
        number=4, note="稳", active=True, content={"quality_vip": 0.97, "rules": []}
    )
    release = Release.objects.create(name="spring", note="春", eval_set=cases, policy=policy)
    release.versions.add(versions[2])
    return prompt


def forget_shop() -> None:
    """An empty database, as far as a bundle goes. Versions cannot be deleted, so the tables are emptied."""
    names = ", ".join(model._meta.db_table for model in TABLES)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {names} CASCADE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    retrieval.forget()


def text_of(folder: Path) -> dict[str, str]:
    """Every file of a directory by its path."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
