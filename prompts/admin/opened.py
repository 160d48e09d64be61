"""What a prompt's page says of the text in its editor: which version it is from, which is in force, what became of others."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from prompts import versions
from prompts.admin.studio_words import WORDS
from prompts.admin.wording import pick
from prompts.lineage import Lineage
from prompts.models import Prompt, PromptDraft, PromptVersion
from prompts.versions import Conflict


def context(prompt: Prompt, draft: PromptDraft | None, found: Lineage) -> dict[str, Any]:
    """The sentences, and from which other versions one may begin instead."""
    opened = found.opened
    return {
        "opened": opened,
        "standing": sentences(found, draft),
        "is_waiting": opened is not None and opened != found.current,
        # The one in force and the newest, where the text is another's.
        "others": [
            version
            for version in dict.fromkeys((found.current, found.newest))
            if version is not None and version != opened
        ],
    }


def sentences(found: Lineage, draft: PromptDraft | None) -> list[str]:
    """As "Text of version 7, not published; in force: 6."."""
    current, newest = found.current, found.newest
    if newest is None and draft is None:
        return [str(WORDS["nothing_written"])]
    base = draft.based_on if draft else found.opened
    told = [where_from(found, base, is_draft=draft is not None)]
    if draft and base and current and current.number > base.number:
        told.append(
            pick(
                f"注意：此后版本 {current.number} 已生效，草稿里没有它的改动。",
                f"Mind: version {current.number} came into force since; the draft does not have its changes.",
            )
        )
    elif newest and newest not in (base, current):
        told.append(of_newest(found, newest))
    return told


def where_from(found: Lineage, base: PromptVersion | None, *, is_draft: bool) -> str:
    number = found.current.number if found.current else None
    in_force = pick(f"生效的是版本 {number}", f"in force: {number}")
    if number is None:
        in_force = pick("还没有生效的版本", "nothing is in force")
    if base is None:
        start = (
            pick("草稿，从空白开始", "Draft, begun from nothing")
            if is_draft
            else pick("空白", "Empty")
        )
        return pick(f"{start}；{in_force}。", f"{start}; {in_force}.")
    start = pick(f"这是版本 {base.number} 的文字", f"Text of version {base.number}")
    if is_draft:
        start = pick(f"草稿，基于版本 {base.number}", f"Draft from version {base.number}")
    if base == found.current:
        return pick(f"{start}，正在生效。", f"{start}, in force.")
    return pick(
        f"{start}{state(found, base)}；{in_force}。", f"{start}{state(found, base)}; {in_force}."
    )


def state(found: Lineage, version: PromptVersion) -> str:
    """What became of a version that is not in force, with the comma before it."""
    if release := found.on_canary.get(version.pk):
        return pick(f"，正随发布 {release} 灰度", f", on canary in release {release}")
    if found.is_taken_back(version):
        return pick("，已被撤回", ", which was taken back")
    return pick("，尚未发布", ", not published") if found.is_waiting(version) else ""


def of_newest(found: Lineage, newest: PromptVersion) -> str:
    told = state(found, newest)
    return pick(
        f"最新的是版本 {newest.number}{told}。", f"The newest is version {newest.number}{told}."
    )


def mark(found: Lineage, version: PromptVersion) -> tuple[str, str] | None:
    """The chip of a version that is newer than the one in force: its colour and words."""
    if version.pk in found.on_canary:
        return ("warn", str(WORDS["on_canary"]))
    if found.is_taken_back(version):
        return ("bad", str(WORDS["taken_back"]))
    return ("", str(WORDS["not_published"])) if found.is_waiting(version) else None


def begin(request: HttpRequest, prompt: Prompt) -> None:
    """Begins the draft from the version that was named, as the one in force; says so. Raises Http404."""
    named = request.POST.get("version", "")
    base = get_object_or_404(prompt.versions, pk=named if named.isdecimal() else None)
    try:
        versions.begin_draft(prompt, base=base, user_id=request.user.pk)
    except Conflict:
        messages.error(request, WORDS["has_one"])
        return
    messages.success(
        request,
        pick(f"草稿已从版本 {base.number} 开始。", f"The draft begins from version {base.number}."),
    )
