"""What goes to customers by releases only: set on a prompt's page, and how two people publish a version in spite of it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from unfold.admin import ModelAdmin

from prompts import audit, versions
from prompts.admin.studio_words import WORDS
from prompts.admin.wording import pick
from prompts.models import EvalSet, Prompt, PromptVersion, PublishRequest

ANSWERS = {"yes": True, "no": False, "": None}


def context(prompt: Prompt) -> dict[str, Any]:
    """What a prompt's page says of its guard."""
    named = {value: name for name, value in ANSWERS.items()}
    return {
        "is_held": prompt.is_held and prompt.current_id is not None,
        "sets": EvalSet.objects.all(),
        "only": named[prompt.by_release_only],
    }


def version_context(request: HttpRequest, version: PromptVersion) -> dict[str, Any]:
    """What a version's page says of its guard, and of who asked to go without."""
    asked = PublishRequest.objects.filter(version=version, agreed_by=None)
    found = asked.select_related("asked_by").first()
    prompt = version.prompt
    is_held = prompt.is_held and prompt.current_id is not None
    replaces = not is_held and prompt.current_id not in (None, version.pk)
    alone = replaces and bool(audit.unheld_alone([prompt.pk], request.user.pk or 0))
    return {
        "is_held": is_held or alone or (found is not None and not prompt.is_held),
        "held_text": WORDS["held" if is_held else "held_alone"] if is_held or alone else "",
        "asked": found,
        "may_ask": request.user.has_perm("prompts.add_release"),
        "is_asker": found is not None and found.asked_by_id == request.user.pk,
    }


def hold(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Sets which set guards a prompt, and whether it goes out by releases only."""
    check(request, "prompts.publish_release")
    prompt = get_object_or_404(Prompt, pk=pk)
    given = request.POST.get("guarded_by", "")
    chosen = get_object_or_404(EvalSet, pk=given) if given.isdecimal() else None
    only = ANSWERS.get(request.POST.get("only", ""))
    versions.hold(prompt, guarded_by=chosen.pk if chosen else None, by_release_only=only)
    told = f"guarded by {chosen or 'nothing'}, by releases only: {only}"
    model_admin.log_change(request, prompt, told)
    messages.success(request, pick("已保存。", "Saved."))
    return redirect("admin:prompts_prompt_change", pk)


def ask(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    check(request, "prompts.add_release")
    version = get_object_or_404(PromptVersion.objects.select_related("prompt"), pk=pk)
    reason = request.POST.get("reason", "").strip()[:200]
    if versions.ask_to_publish(version, reason=reason, user_id=request.user.pk or 0):
        told = f"asked to publish v{version.number} without a release: {reason}"
        model_admin.log_change(request, version.prompt, told)
        messages.success(request, WORDS["asked"])
    else:
        messages.error(request, WORDS["not_asked"])
    return redirect("admin:prompts_promptversion_change", pk)


def agree(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    check(request, "prompts.publish_release")
    version = get_object_or_404(PromptVersion.objects.select_related("prompt"), pk=pk)
    if versions.agree_to_publish(version, user_id=request.user.pk or 0):
        told = f"agreed: published v{version.number} without a release"
        model_admin.log_change(request, version.prompt, told)
        messages.success(
            request,
            pick(f"版本 {version.number} 已生效。", f"Version {version.number} is in force."),
        )
    else:
        messages.error(request, WORDS["not_asked"])
    return redirect("admin:prompts_promptversion_change", pk)


def check(request: HttpRequest, right: str) -> None:
    """Raises PermissionDenied."""
    if request.method != "POST" or not request.user.has_perm(right):
        raise PermissionDenied
