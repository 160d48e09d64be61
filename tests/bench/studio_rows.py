"""What a big shop's prompt studio holds, the same for the same sizes: SOPs, examples, versions, sets, runs, releases.

Used by tests.bench.studio; Django is set up before this is imported. Every row is made of the shipped defaults, said of
one product after another, so that words are as common among many SOPs as they are among a shop's.
"""

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from prompts import default_files, radar, retrieval
from prompts.default_files import Entry
from prompts.models import (
    EvalCase,
    EvalResult,
    EvalRun,
    EvalSet,
    ExampleUse,
    FewShotExample,
    Prompt,
    PromptVersion,
    Release,
    Sop,
    SopImport,
)

SEED = 20260131
BATCH = 1000
KINDS = {
    "zh": [
        "便携",
        "静音",
        "智能",
        "儿童",
        "户外",
        "家用",
        "迷你",
        "加厚",
        "防水",
        "折叠",
        "无线",
        "车载",
        "复古",
        "轻薄",
    ],
    "en": [
        "portable",
        "silent",
        "smart",
        "kids",
        "outdoor",
        "home",
        "mini",
        "padded",
        "waterproof",
        "folding",
        "wireless",
        "car",
    ],
}
THINGS = {
    "zh": [
        "电饭煲",
        "吸尘器",
        "加湿器",
        "保温杯",
        "行李箱",
        "跑步鞋",
        "羽绒服",
        "台灯",
        "耳机",
        "键盘",
        "充电宝",
        "投影仪",
    ],
    "en": [
        "kettle",
        "vacuum",
        "humidifier",
        "flask",
        "suitcase",
        "trainers",
        "jacket",
        "lamp",
        "headset",
        "keyboard",
    ],
}
WORDINGS = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    sops: int = 10_000
    examples: int = 5_000
    versions: int = 500
    cases: int = 2_000
    runs: int = 200
    releases: int = 100
    imports: int = 50


def fill(sizes: Sizes) -> None:
    """Adds the rows to a database that holds the defaults."""
    draw = random.Random(SEED)
    add_sops(sizes.sops, draw)
    add_examples(sizes.examples, draw)
    add_versions(sizes.versions, draw)
    add_evaluations(sizes, draw)
    add_releases(sizes.releases)
    SopImport.objects.bulk_create(
        SopImport(file_name=f"sops-{n}.csv", file=b"", state="done") for n in range(sizes.imports)
    )
    radar.look()


def products(language: str) -> Iterator[tuple[str, str]]:
    """(what it is called in keys, in words), without end."""
    gap = "" if language == "zh" else " "
    names = [gap.join(pair) for pair in itertools.product(KINDS[language], THINGS[language])]
    for round_ in itertools.count():
        for number, name in enumerate(names):
            yield f"p{round_}-{number}", f"{name}{gap}{round_ or ''}".strip()


@functools.cache
def procedures(language: str) -> list[Entry]:
    """The shipped SOPs."""
    return [e for e in default_files.procedures(default_files.FOLDER) if e.language == language]


def said_of(product: str, text: str, *, language: str) -> str:
    return f"{product}{text}" if language == "zh" else f"{product}: {text}"


def add_sops(count: int, draw: random.Random) -> None:
    """Four of five in Chinese; some off, some expired, some of one shop, some due for review."""
    for language, most in (("zh", count - count // 5), ("en", count // 5)):
        pairs = ((p, e) for p in products(language) for e in procedures(language))
        made = [
            (as_sop(key, name, entry, draw=draw), name, entry)
            for (key, name), entry in itertools.islice(pairs, most)
        ]
        Sop.objects.bulk_create([sop for sop, _, _ in made], BATCH)
        retrieval.indexing.add_questions(
            [
                (sop.pk, text)
                for sop, name, entry in made
                for text in dict.fromkeys((sop.title, *wordings(name, entry, draw=draw)))
            ]
        )


def as_sop(key: str, name: str, entry: Entry, *, draw: random.Random) -> Sop:
    now, chance = timezone.now(), draw.random()
    said = entry.content
    return Sop(
        key=f"{key}-{entry.key}"[:80],
        language=entry.language,
        title=said_of(name, said["title"], language=entry.language)[:100],
        category=said["category"],
        intent=said["intent"],
        answer=said_of(name, said["answer"], language=entry.language),
        steps=said["steps"],
        required_slots=said["required_slots"],
        tool=said["tool"] or "",
        shops=["demo"] if chance > 0.9 else [],
        enabled=chance > 0.03,
        valid_to=now + timedelta(days=draw.randrange(-20, 60)) if chance < 0.15 else None,
        review_on=(now + timedelta(days=draw.randrange(-30, 90))).date() if chance < 0.3 else None,
    )


def wordings(name: str, entry: Entry, *, draw: random.Random) -> list[str]:
    asked: Sequence[str] = entry.content["questions"]
    chosen = draw.sample(asked, min(WORDINGS, len(asked)))
    return [said_of(name, text, language=entry.language)[:300] for text in chosen]


def add_examples(count: int, draw: random.Random) -> None:
    entries = procedures("zh")
    made = []
    for (key, name), entry in itertools.islice(
        ((p, e) for p in products("zh") for e in entries), count
    ):
        asked = said_of(name, draw.choice(entry.content["questions"]), language="zh")
        made.append(
            FewShotExample(
                key=f"{key}-{entry.key}",
                language="zh",
                intent=entry.content["intent"],
                emotion=draw.choice(["negative", "neutral", "positive"]),
                messages=[
                    {"role": "visitor", "text": asked},
                    {"role": "bot", "text": entry.content["answer"][:60]},
                ],
                source=draw.choice(["hand", "conversation"]),
                masked=True,
            )
        )
    FewShotExample.objects.bulk_create(made, BATCH)
    ExampleUse.objects.bulk_create(
        (ExampleUse(example=row, shown=20, good=draw.randrange(21)) for row in made[::2]),
        BATCH,
    )


def add_versions(count: int, draw: random.Random) -> None:
    """Three of four of the Chinese answer, the rest one each of the others in turn."""
    prompts = list(Prompt.objects.select_related("current").order_by("pk"))
    answer = next(row for row in prompts if (row.purpose, row.language) == ("answer", "zh"))
    numbers = {row.pk: itertools.count(2) for row in prompts}
    made = []
    for at in range(count):
        prompt = prompts[at // 4 % len(prompts)] if at % 4 == 0 else answer
        said = {f.name: getattr(prompt.current, f.name) for f in PromptVersion._meta.fields[1:]}
        said |= {"text": f"{said['text']}\n{draw.random()}", "default_digest": "", "prompt": prompt}
        note = f"第 {at} 次修改"
        made.append(PromptVersion(**{**said, "number": next(numbers[prompt.pk]), "note": note}))
    PromptVersion.objects.bulk_create(made, BATCH)


def add_evaluations(sizes: Sizes, draw: random.Random) -> None:
    sets = EvalSet.objects.bulk_create(
        EvalSet(name=f"set-{n}", title=f"评测集 {n}") for n in range(20)
    )
    asked = [text for entry in procedures("zh") for text in entry.content["questions"]]
    EvalCase.objects.bulk_create(
        (
            EvalCase(set=sets[n % 20 if n % 2 else 0], key=f"case-{n}", text=draw.choice(asked))
            for n in range(sizes.cases)
        ),
        BATCH,
    )
    runs = EvalRun.objects.bulk_create(
        EvalRun(set=sets[0], state="done", total=100, passed=draw.randrange(101))
        for _ in range(sizes.runs)
    )
    cases = list(sets[0].cases.all()[:1000])
    failed = [{"check": "must_contain", "wanted": "催", "found": "好的"}]
    EvalResult.objects.bulk_create(
        (
            EvalResult(run=run, case=case, passed=not at % 5, failures=failed, answer="好的")
            for run in runs[-2:]
            for at, case in enumerate(cases)
        ),
        BATCH,
    )


def add_releases(count: int) -> None:
    chosen = EvalSet.objects.order_by("pk").first()
    version = PromptVersion.objects.order_by("-pk").first()
    assert chosen is not None
    assert version is not None
    for number in range(count):
        row = Release.objects.create(name=f"release-{number}", note="试用", eval_set=chosen)
        row.versions.set([version])
