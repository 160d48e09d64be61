"""Two people at one form: the second one's save is refused, told what the first one changed, and loses nothing."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from prompts import audit
from prompts.admin.lines import IndentedJson
from prompts.admin.wording import both, in_chinese, pick
from prompts.models import AuditEntry

SEEN = "seen"
SHOWN_FIELDS = 8
JSON_ROWS = 3


class SeenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """Names the last change of the row that its reader saw; another one's is not written over unawares."""

    seen = forms.CharField(
        required=False, max_length=20, widget=forms.HiddenInput, label=both("版本", "revision")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if SEEN in self.fields and self.instance.pk and not self.is_bound:
            self.initial[SEEN] = str(audit.latest(self.instance))
        for field in self.fields.values():
            if isinstance(field, forms.JSONField) and not isinstance(field, IndentedJson):
                field.widget.attrs["rows"] = JSON_ROWS

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        given = self.data.get(self.add_prefix(SEEN), "")
        if SEEN not in self.fields or not self.instance.pk or not given.isdecimal():
            return said
        # The row stays as it is until this save is through: of two at once the second one looks after the first.
        type(self.instance)._default_manager.select_for_update(no_key=True).get(pk=self.instance.pk)
        theirs = audit.since(self.instance, int(given))
        if theirs:
            self.add_error(None, sentence(theirs))
            # What they saw now is this: saving again is meant.
            posted: Any = self.data
            self.data = posted = posted.copy()
            posted[self.add_prefix(SEEN)] = str(theirs[-1].pk)
        return said


def sentence(theirs: Sequence[AuditEntry]) -> str:
    """Who changed what meanwhile, and what to do now."""
    # Inline: the page of the audit is one of those that have such forms beside them.
    from prompts.admin.audits import field_name  # noqa: PLC0415

    names = list(dict.fromkeys(field_name(name) for entry in theirs for name in entry.changes))
    fields = ("、" if in_chinese() else ", ").join(names[:SHOWN_FIELDS])
    who = theirs[-1].actor or pick("平台", "the platform")
    at = timezone.localtime(theirs[-1].at).strftime("%H:%M:%S")
    return pick(
        f"没有保存：{who} 在 {at} 改了这一条（{fields}）。你填写的内容都还在下面；确认无误后再保存一次，就会以你的为准。",
        f"Not saved: {who} changed this at {at} ({fields}). What you wrote is still below; save once more and it holds.",
    )


class SeenAdmin(ModelAdmin):
    """Puts the mark into the form of a row that may be changed."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = [(name, dict(options)) for name, options in super().get_fieldsets(request, obj)]
        if obj is None or not self.has_change_permission(request, obj):
            return found
        first = found[0][1]
        first["fields"] = [*(field for field in first["fields"] if field != SEEN), SEEN]
        return found
