"""Any two wordings of a prompt side by side, marked by the word."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from unfold.admin import ModelAdmin

from prompts import versions, worddiff
from prompts.admin import version_choice
from prompts.admin.studio_words import WORDS
from prompts.models import Prompt, PromptDraft, Wording

DRAFT, VERSIONS_SHOWN = "draft", 200


def page(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Any two wordings of a prompt side by side: `left` and `right` are ids of versions, or "draft"."""
    prompt = get_object_or_404(Prompt.objects.select_related("current"), pk=pk)
    if not model_admin.has_view_permission(request, prompt):
        raise PermissionDenied
    draft = PromptDraft.objects.filter(prompt=prompt).first()
    newest = prompt.versions.order_by("-number").values_list("pk", flat=True).first()
    usual = (str(prompt.current_id or newest or ""), DRAFT if draft else str(newest or ""))
    names = (request.GET.get("left") or usual[0], request.GET.get("right") or usual[1])
    left, right = (found(prompt, draft, name) for name in names)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["diff"],
        "t": WORDS,
        "prompt": prompt,
        "names": names,
        "choices": choices(prompt, draft, names),
        "fields": compared(left, right) if left and right else [],
    }
    return render(request, "admin/prompts/prompt/diff.html", context)


def found(prompt: Prompt, draft: PromptDraft | None, name: str) -> Wording | None:
    """Raises Http404 for what is none of this prompt's."""
    if name in ("", DRAFT):
        return draft
    if not name.isdecimal():
        raise Http404
    return get_object_or_404(prompt.versions, pk=int(name))


def choices(
    prompt: Prompt, draft: PromptDraft | None, names: Sequence[str]
) -> list[tuple[str, str]]:
    """The draft, the newest versions, and whichever is compared, however old."""
    rows = prompt.versions.only("number", "note", "prompt_id")
    found = version_choice.newest(rows, most=VERSIONS_SHOWN, asked=names)
    listed = [(str(row.pk), f"v{row.number} {row.note}") for row in found]
    return [(DRAFT, str(WORDS["draft"])), *listed] if draft else listed


def compared(left: Wording, right: Wording) -> list[dict[str, Any]]:
    """The fields that differ, word by word."""
    fields = []
    for name in versions.WORDING_FIELDS:
        one, other = shown(getattr(left, name)), shown(getattr(right, name))
        rows = worddiff.rows(one, other)
        if any(row.changed for row in rows):
            fields.append({"label": WORDS.get(name, name), "rows": rows})
    return fields


def shown(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
