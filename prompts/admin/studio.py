"""The studio of one prompt: its draft, saved as it is written, and its versions."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from unfold.admin import ModelAdmin

from prompts import lineage, purposes, versions
from prompts.admin import holding, opened
from prompts.admin.differences import shown
from prompts.admin.draft_form import DraftForm, groups
from prompts.admin.studio_words import WORDS
from prompts.admin.wording import in_chinese, pick
from prompts.models import FewShotExample, Prompt, PromptDraft, PromptVersion, Wording
from prompts.rendering import PARTS
from prompts.versions import Conflict, Held, Problem, Refused, Seen, Unchanged

VERSIONS_SHOWN = 50


def page(request: HttpRequest, model_admin: ModelAdmin, *, prompt: Prompt) -> HttpResponse:
    """The studio; posting saves, freezes, publishes, begins or drops the draft."""
    if request.method == "POST":
        if not model_admin.has_change_permission(request, prompt):
            raise PermissionDenied
        return acted(request, model_admin, prompt=prompt)
    return editor(request, model_admin, prompt=prompt)


def editor(
    request: HttpRequest,
    model_admin: ModelAdmin,
    *,
    prompt: Prompt,
    unsaved: DraftForm | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The page with the draft, or with what one goes on from; or with words of which not all could be saved."""
    draft = (
        PromptDraft.objects.select_related("updated_by", "based_on").filter(prompt=prompt).first()
    )
    found = lineage.read(prompt)
    wording: Wording = draft or found.opened or PromptDraft(prompt=prompt)
    form = unsaved or DraftForm(
        initial={**versions.wording_of(wording), "note": draft.note if draft else ""}
    )
    rows = list(prompt.versions.select_related("created_by").order_by("-number")[:VERSIONS_SHOWN])
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": prompt.title,
        "t": WORDS,
        "prompt": prompt,
        "draft": draft,
        "revision": draft.revision if draft else 0,
        "form": form,
        "problems": named(form, draft, prompt),
        "groups": groups(form, prompt),
        "versions": [(row, opened.mark(found, row)) for row in rows],
        "supplied": purposes.SUPPLIED.get(prompt.purpose),
        "parts": PARTS,
        "keys": FewShotExample.objects.filter(language=prompt.language).values_list(
            "key", flat=True
        )[:100],
        "may_change": model_admin.has_change_permission(request, prompt),
        "may_publish": request.user.has_perm("prompts.publish_release"),
        "may_try": prompt.purpose in purposes.ANSWERS,
        "is_conflict": status == HTTPStatus.CONFLICT,
        **opened.context(prompt, draft, found),
        **holding.context(prompt),
    }
    return render(request, "admin/prompts/prompt/studio.html", context, status=status)


def named(form: DraftForm, draft: PromptDraft | None, prompt: Prompt) -> Mapping[str, list[str]]:
    """What is wrong with the words on the page, by field."""
    if form.is_bound:
        return form.wrong()
    return by_field(versions.problems(draft, prompt)) if draft else {}


def acted(request: HttpRequest, model_admin: ModelAdmin, *, prompt: Prompt) -> HttpResponse:
    action = request.POST.get("_action", "save")
    if action == "begin":
        opened.begin(request, prompt)
        return redirect("admin:prompts_prompt_change", prompt.pk)
    form = DraftForm(request.POST)
    form.is_valid()
    try:
        seen = saved(request, prompt, form)
        if action == "drop":
            versions.drop_draft(prompt, seen=seen)
            messages.success(request, pick("草稿已丢弃。", "The draft was thrown away."))
        elif wants_json(request):
            return JsonResponse(as_json(request, prompt, form, seen))
        elif form.errors:
            return refused(request, model_admin, prompt, form)
        elif action == "save":
            messages.success(request, WORDS["autosaved"])
        else:
            publish = action == "publish"
            froze(request, model_admin, prompt=prompt, seen=seen, publish=publish)
    except Conflict as error:
        return conflicted(request, model_admin, prompt, error.draft)
    return redirect("admin:prompts_prompt_change", prompt.pk)


def saved(request: HttpRequest, prompt: Prompt, form: DraftForm) -> Seen:
    """Writes what was sent into the draft, begun here where there is none; what the editor sees now. Raises Conflict."""
    seen = Seen(given(request, "draft") or 0, given(request, "revision") or 0)
    if seen.revision == 0:
        base = given(request, "base")
        begun = versions.go_on(prompt, opened=base, user_id=request.user.pk)
        seen = Seen(begun.pk, begun.revision)
    return versions.save_draft(prompt, form.values(), seen=seen, user_id=request.user.pk)


def given(request: HttpRequest, name: str) -> int | None:
    """A number that the page sent, None where it is none."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else None


def conflicted(
    request: HttpRequest, model_admin: ModelAdmin, prompt: Prompt, theirs: PromptDraft | None
) -> HttpResponse:
    """Says so; a page that was sent as a whole comes back with the words that are not saved. Sent again, they hold."""
    by = str(theirs.updated_by or "") if theirs else ""
    sentence = str(WORDS["conflict" if theirs else "moved_on"])
    if wants_json(request):
        told = {"ok": False, "conflict": True, "by": by, "sentence": sentence}
        return JsonResponse(told, status=HTTPStatus.CONFLICT)
    messages.error(request, f"{sentence} ({by})" if by else sentence)
    form = DraftForm(request.POST)
    return editor(request, model_admin, prompt=prompt, unsaved=form, status=HTTPStatus.CONFLICT)


def refused(
    request: HttpRequest, model_admin: ModelAdmin, prompt: Prompt, form: DraftForm
) -> HttpResponse:
    """The page with what was sent: fields that make no sense keep their old value in the draft, and nothing is published."""
    names = pick("、", ", ").join(str(form[name].label) for name in form.errors)
    messages.error(
        request,
        pick(
            f"这些字段有误，没有保存，也没有新建版本：{names}。其余已存入草稿。",
            f"These fields make no sense and were not saved, and no version was added: {names}. The rest is in the draft.",
        ),
    )
    return editor(request, model_admin, prompt=prompt, unsaved=form)


def as_json(request: HttpRequest, prompt: Prompt, form: DraftForm, seen: Seen) -> dict[str, Any]:
    """What a page that saves itself hears."""
    draft = PromptDraft.objects.select_related("based_on").get(prompt=prompt)
    now = timezone.localtime().strftime("%H:%M:%S")
    told = {
        "ok": True,
        "draft": seen.draft,
        "revision": seen.revision,
        "problems": {**by_field(versions.problems(draft, prompt)), **form.wrong()},
        "saved": f"{WORDS['autosaved']} {now}",
    }
    if not given(request, "revision"):
        told["standing"] = " ".join(opened.sentences(lineage.read(prompt), draft))
    return told


def froze(
    request: HttpRequest, model_admin: ModelAdmin, *, prompt: Prompt, seen: Seen, publish: bool
) -> None:
    """Makes the draft a version, and lets it speak if so wanted; says what came of it. Raises Conflict."""
    note = request.POST.get("note", "").strip()[:200]
    if not note:
        messages.error(request, pick("请写明为什么改。", "Say why you changed it."))
        return
    try:
        version = versions.freeze(prompt, seen=seen, note=note, user_id=request.user.pk)
    except Unchanged as error:
        versions.drop_draft(prompt, seen=seen)
        same = error.version.number
        messages.info(
            request,
            pick(
                f"与版本 {same} 完全相同，没有新建版本。要让它生效，请发布版本 {same}。",
                f"Nothing differs from version {same}: no version was added. Publish version {same} to let it speak.",
            ),
        )
        return
    except Refused as error:
        for problem in error.problems:
            messages.error(
                request, f"{WORDS.get(problem.field, problem.field)}: {message_of(problem)}"
            )
        return
    model_admin.log_change(request, prompt, f"version {version.number}: {note}")
    messages.success(
        request, pick(f"已存为版本 {version.number}。", f"Saved as version {version.number}.")
    )
    if publish and request.user.has_perm("prompts.publish_release"):
        published(request, model_admin, version)


def publish(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> None:
    """Lets the version speak and says so. Raises Http404."""
    version = get_object_or_404(PromptVersion.objects.select_related("prompt"), pk=pk)
    published(request, model_admin, version)


def published(request: HttpRequest, model_admin: ModelAdmin, version: PromptVersion) -> None:
    before = version.prompt.current
    try:
        switched = versions.publish(version, by=request.user.pk)
    except Held as held:
        messages.error(request, WORDS["held_alone" if held.alone else "held"])
        return
    if not switched:
        messages.info(request, pick("它已经在生效。", "It is in force already."))
        return
    was = f" (was v{before.number})" if before else ""
    model_admin.log_change(request, version.prompt, f"published v{version.number}{was}")
    messages.success(
        request, pick(f"版本 {version.number} 已生效。", f"Version {version.number} is in force.")
    )


def version_page(
    request: HttpRequest, model_admin: ModelAdmin, *, version: PromptVersion
) -> HttpResponse:
    """One version as it was said, with the way to publish it."""
    said = [
        (WORDS.get(name, name), shown(getattr(version, name))) for name in versions.WORDING_FIELDS
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": str(version),
        "t": WORDS,
        "version": version,
        "prompt": version.prompt,
        "said": [(label, text) for label, text in said if text],
        "is_current": version.prompt.current_id == version.pk,
        "may_publish": request.user.has_perm("prompts.publish_release"),
        "may_try": version.prompt.purpose in purposes.ANSWERS,
        "may_begin": request.user.has_perm("prompts.change_prompt"),
        **holding.version_context(request, version),
    }
    return render(request, "admin/prompts/promptversion/version.html", context)


def by_field(problems: list[Problem]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(problem.field, []).append(message_of(problem))
    return found


def message_of(problem: Problem) -> str:
    return problem.message_zh if in_chinese() else problem.message_en


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
