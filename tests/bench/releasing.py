"""`python -m tests.bench.releasing TEXT NAME…`: drafts of releases over all buckets, whose gate is open.

Each holds a version of every language's answer that says "TEXT NAME" and nothing else. Prints their ids by name as
JSON. Run by tests.bench.rollback in the environment of its platform.
"""

import json
import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    text, *names = sys.argv[1:]
    print(json.dumps({name: draft(name, text=f"{text} {name}") for name in names}))
    return 0


def draft(name: str, *, text: str) -> int:
    from prompts.models import EvalRun, EvalSet, Prompt, PromptVersion, Release
    from prompts.retrieval import freeze

    chosen, _ = EvalSet.objects.get_or_create(name="bench", defaults={"title": "bench"})
    release = Release.objects.create(
        name=name,
        note="bench",
        eval_set=chosen,
        first_bucket=0,
        last_bucket=99,
        automatic=False,
        sop_set=freeze(),
    )
    for prompt in Prompt.objects.filter(purpose="answer"):
        newest = prompt.versions.order_by("-number").values_list("number", flat=True).first()
        version = PromptVersion.objects.create(
            prompt=prompt, number=(newest or 0) + 1, text=text, note=name
        )
        release.versions.add(version)
    EvalRun.objects.create(set=chosen, release=release, state="done", total=1, passed=1)
    return release.pk


if __name__ == "__main__":
    sys.exit(main())
