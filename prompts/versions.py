"""Drafts, versions and which of them speaks: saved under a revision, checked, published, gone back to.

Called by the admin. A published wording reaches every process by `snapshot.announce`, within five seconds at most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from prompts import audit, lineage, rendering, snapshot
from prompts.models import (
    FewShotExample,
    Prompt,
    PromptDraft,
    PromptVersion,
    PublishRequest,
    Wording,
)
from prompts.purposes import RESUME, SUPPLIED, uses

WORDING_FIELDS = [field.name for field in Wording._meta.get_fields()]
TEXT_FIELDS = ("text", *rendering.PARTS, "resume_text")
FIELD_CHARS = 20_000


class Conflict(Exception):
    """Somebody else saved meanwhile. `draft` is theirs; None: it is gone, or another version is what one goes on from."""

    def __init__(self, draft: PromptDraft | None) -> None:
        super().__init__("the draft has another revision")
        self.draft = draft


@dataclass(frozen=True, slots=True)
class Seen:
    """Which draft an editor has before them, and at which revision. A later draft of the prompt is another one."""

    draft: int
    revision: int


class Unchanged(Exception):
    """The draft says what the version it was begun from says: there is nothing to save."""

    def __init__(self, version: PromptVersion) -> None:
        super().__init__(f"nothing differs from {version}")
        self.version = version


class Held(Exception):
    """The prompt's versions go to customers by releases only; `alone`: they did, until who asks took that away."""

    def __init__(self, prompt: Prompt, *, alone: bool = False) -> None:
        super().__init__(f"{prompt}: its versions go out by releases only")
        self.prompt = prompt
        self.alone = alone


class Refused(Exception):
    """The draft has problems and cannot become a version."""

    def __init__(self, problems: list["Problem"]) -> None:
        super().__init__("; ".join(problem.message_en for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one field."""

    field: str
    message_zh: str
    message_en: str


def problems(wording: Wording, prompt: Prompt) -> list[Problem]:
    """Everything that keeps a wording from becoming a version of `prompt`; empty when nothing does."""
    if not wording.text.strip():
        return [Problem("text", "正文不能为空。", "The text is empty.")]
    found = [*sizes(wording), *foreign_signs(wording)]
    if found:
        return found
    return [
        *misnamed(wording, SUPPLIED.get(prompt.purpose)),
        *misplaced_parts(wording),
        *unused_fields(wording, prompt),
        *resume_names(wording),
        *unknown_examples(wording, prompt),
        *out_of_range(wording),
    ]


def sizes(wording: Wording) -> Iterator[Problem]:
    for name in TEXT_FIELDS:
        text = getattr(wording, name)
        if len(text) > FIELD_CHARS:
            yield Problem(
                name,
                f"有 {len(text)} 个字，最多 {FIELD_CHARS} 个。",
                f"It has {len(text)} characters; at most {FIELD_CHARS} are allowed.",
            )
        if "\0" in text:
            yield Problem(name, "含有空字符。", "It holds a NUL character.")


def foreign_signs(wording: Wording) -> Iterator[Problem]:
    for name in TEXT_FIELDS:
        signs = rendering.foreign(getattr(wording, name))
        if signs:
            shown = " ".join(signs)
            yield Problem(
                name,
                f"含有模板符号 {shown}。这里只认 {{{{变量}}}}，不执行任何逻辑。",
                f"It holds template signs: {shown}. Only {{{{variable}}}} is known here, and no logic.",
            )


def misnamed(wording: Wording, supplied: tuple[str, ...] | None) -> Iterator[Problem]:
    """Names that are used but not declared, declared but not used, or not filled in for this purpose."""
    texts = [wording.text, *(getattr(wording, name) for name in rendering.PARTS)]
    used = set().union(*map(rendering.variables, texts)) - set(rendering.PARTS)
    declared = set(wording.variables)
    if undeclared := used - declared:
        names = ", ".join(sorted(undeclared))
        yield Problem("variables", f"用到但未声明：{names}", f"Used but not declared: {names}")
    if unused := declared - used:
        names = ", ".join(sorted(unused))
        yield Problem("variables", f"已声明但没有用到：{names}", f"Declared but not used: {names}")
    if supplied is not None and (unknown := declared - set(supplied)):
        names, known = ", ".join(sorted(unknown)), ", ".join(supplied) or "—"
        yield Problem(
            "variables",
            f"这个用途没有变量 {names}。可用：{known}",
            f"This purpose has no variable {names}. There are: {known}",
        )


def misplaced_parts(wording: Wording) -> Iterator[Problem]:
    named = rendering.variables(wording.text)
    for name in rendering.PARTS:
        part = getattr(wording, name)
        if part.strip() and name not in named:
            yield Problem(
                name,
                f"正文没有引用 {{{{{name}}}}}，这一段不会被用到。",
                f"The text does not name {{{{{name}}}}}: this part would not be used.",
            )
        if not part.strip() and name in named:
            yield Problem(
                name,
                f"正文引用了 {{{{{name}}}}}，但这一段是空的。",
                f"The text names {{{{{name}}}}}, but this part is empty.",
            )
        if nested := rendering.variables(part) & set(rendering.PARTS):
            names = ", ".join(sorted(nested))
            yield Problem(
                name, f"段落不能引用别的段落：{names}", f"A part cannot name other parts: {names}"
            )


def unused_fields(wording: Wording, prompt: Prompt) -> Iterator[Problem]:
    """Words that nobody would ever read, because the purpose does not use their field."""
    for name in ("emotion_addendum", "resume_text"):
        if getattr(wording, name).strip() and not uses(prompt.purpose, name):
            yield Problem(
                name,
                "这个用途不会用到这一段，请清空。",
                "This purpose does not use this field: empty it.",
            )


def resume_names(wording: Wording) -> Iterator[Problem]:
    if unknown := rendering.variables(wording.resume_text) - set(RESUME):
        names, known = ", ".join(sorted(unknown)), ", ".join(RESUME)
        yield Problem(
            "resume_text",
            f"这里没有变量 {names}。可用：{known}",
            f"There is no variable {names} here. There are: {known}",
        )


def unknown_examples(wording: Wording, prompt: Prompt) -> Iterator[Problem]:
    rows = FewShotExample.objects.filter(language=prompt.language, key__in=wording.example_keys)
    known = set(rows.values_list("key", flat=True)) if wording.example_keys else set()
    if missing := set(wording.example_keys) - known:
        names = ", ".join(sorted(missing))
        yield Problem(
            "example_keys", f"没有这些示例：{names}", f"There are no such examples: {names}"
        )


def out_of_range(wording: Wording) -> Iterator[Problem]:
    """What the columns themselves would refuse."""
    try:
        wording.clean_fields(exclude={f.name for f in wording._meta.fields} - set(WORDING_FIELDS))
    except ValidationError as error:
        for name, said in error.message_dict.items():
            yield Problem(name, " ".join(said), " ".join(said))


def wording_of(row: Wording) -> dict[str, Any]:
    """What a version or draft says, by field."""
    return {name: getattr(row, name) for name in WORDING_FIELDS}


def go_on(prompt: Prompt, *, opened: int | None, user_id: int | None) -> PromptDraft:
    """A draft begun where the editor saw itself begin: at version `opened`. Raises Conflict, when that is not so any more."""
    with transaction.atomic():
        # Locked: neither is a version added in between, nor another one put into force.
        locked = Prompt.objects.select_for_update(no_key=True, of=("self",))
        base = lineage.read(locked.select_related("current").get(pk=prompt.pk)).opened
        if opened != (base.pk if base else None):
            raise Conflict(PromptDraft.objects.filter(prompt=prompt).first())
        return begin_draft(prompt, base=base, user_id=user_id)


def begin_draft(prompt: Prompt, *, base: PromptVersion | None, user_id: int | None) -> PromptDraft:
    """A draft that says what `base` does. Raises Conflict, when there is a draft already."""
    said = wording_of(base) if base else {}
    draft, begun = PromptDraft.objects.get_or_create(
        prompt=prompt, defaults={**said, "based_on": base, "updated_by_id": user_id}
    )
    if not begun:
        raise Conflict(draft)
    return draft


def save_draft(
    prompt: Prompt, changes: Mapping[str, Any], *, seen: Seen, user_id: int | None
) -> Seen:
    """Writes fields of the draft as the editor saw it; what they see now. Raises Conflict."""
    saved = as_seen(prompt, seen).update(
        **changes, revision=F("revision") + 1, updated_at=timezone.now(), updated_by_id=user_id
    )
    if not saved:
        raise Conflict(PromptDraft.objects.filter(prompt=prompt).first())
    return replace(seen, revision=seen.revision + 1)


def as_seen(prompt: Prompt, seen: Seen) -> QuerySet[PromptDraft]:
    """The draft, if nobody has saved, dropped or replaced it since."""
    return PromptDraft.objects.filter(prompt=prompt, pk=seen.draft, revision=seen.revision)


def drop_draft(prompt: Prompt, *, seen: Seen) -> None:
    """Throws the draft away. Raises Conflict."""
    deleted, _ = as_seen(prompt, seen).delete()
    if not deleted:
        raise Conflict(PromptDraft.objects.filter(prompt=prompt).first())


def freeze(prompt: Prompt, *, seen: Seen, note: str, user_id: int | None) -> PromptVersion:
    """Makes the draft a version, with why. It speaks once `publish` says so. Raises Conflict, Refused, Unchanged."""
    with transaction.atomic():
        # Locked, so that two editors who save at once get two numbers.
        Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
        draft = as_seen(prompt, seen).select_related("based_on").first()
        if draft is None:
            raise Conflict(PromptDraft.objects.filter(prompt=prompt).first())
        if draft.based_on and wording_of(draft) == wording_of(draft.based_on):
            raise Unchanged(draft.based_on)
        if found := problems(draft, prompt):
            raise Refused(found)
        version = add_version(prompt, wording_of(draft), note=note, user_id=user_id)
        draft.delete()
    return version


def add_version(
    prompt: Prompt, said: Mapping[str, Any], *, note: str, user_id: int | None
) -> PromptVersion:
    """The next version of a prompt whose row the caller has locked."""
    newest = PromptVersion.objects.filter(prompt=prompt).aggregate(Max("number"))["number__max"]
    return PromptVersion.objects.create(
        prompt=prompt, number=(newest or 0) + 1, note=note, created_by_id=user_id, **said
    )


def publish(version: PromptVersion, *, by: int | None = None) -> bool:
    """Lets a version speak, from the next turn on; False when it does already. Going back is publishing an older one.

    Raises Held for a prompt whose versions go out by releases only, and for whoever took that hold away, as long as
    nobody else has put a version of it in force.
    """
    with transaction.atomic():
        # Locked: what holds it must not be set in between.
        prompt = Prompt.objects.select_for_update(no_key=True).get(pk=version.prompt_id)
        replaces = prompt.current_id is not None and prompt.current_id != version.pk
        if replaces and prompt.is_held:
            raise Held(prompt)
        if replaces and by is not None and audit.unheld_alone([prompt.pk], by):
            raise Held(prompt, alone=True)
        return put_in_force(version)


def put_in_force(version: PromptVersion) -> bool:
    others = Prompt.objects.filter(pk=version.prompt_id).exclude(current=version)
    switched = others.update(current=version)
    if switched:
        snapshot.announce()
    return bool(switched)


def ask_to_publish(version: PromptVersion, *, reason: str, user_id: int) -> bool:
    """Asks another person to let it speak without a release; False without a reason, or when that is asked already."""
    said = reason.strip()[:200]
    if not said:
        return False
    asked = {"reason": said, "asked_by_id": user_id}
    _, is_new = PublishRequest.objects.get_or_create(
        version=version, agreed_by=None, defaults=asked
    )
    return is_new


def agree_to_publish(version: PromptVersion, *, user_id: int) -> bool:
    """Agrees, and it speaks; False for whoever asked, and where nobody did."""
    with transaction.atomic():
        asked = PublishRequest.objects.filter(version=version, agreed_by=None)
        others = asked.exclude(asked_by=user_id)
        if not others.update(agreed_by_id=user_id, agreed_at=timezone.now()):
            return False
        put_in_force(version)
        return True


def hold(prompt: Prompt, *, guarded_by: int | None, by_release_only: bool | None) -> None:
    """Says which set guards a prompt, and whether its versions go out by releases only (None: if a set guards it)."""
    Prompt.objects.filter(pk=prompt.pk).update(
        guarded_by_id=guarded_by, by_release_only=by_release_only
    )
