"""The form of an SOP and of its wordings: lists a line each, and nothing a file of SOPs could not hold."""

from typing import Any

from django import forms

from prompts.admin import sop_file_words
from prompts.admin.lines import LineList, name_written
from prompts.admin.seen import SeenForm
from prompts.admin.wording import both, pick
from prompts.transfer import checking
from prompts.transfer.checking import ITEM_CHARS, ITEMS


class SopForm(SeenForm):
    steps = LineList(most=ITEMS, longest=ITEM_CHARS)
    required_slots = LineList(most=ITEMS, longest=ITEM_CHARS, rows=2)
    shops = LineList(most=ITEMS, longest=ITEM_CHARS, rows=2)
    skus = LineList(most=ITEMS, longest=ITEM_CHARS, rows=2)
    channels = LineList(most=ITEMS, longest=ITEM_CHARS, rows=2)

    class Meta:
        labels = {
            "key": both("编号", "Key"),
            "language": both("语言", "Language"),
            "title": both("标题", "Title"),
            "category": both("分类", "Category"),
            "intent": both("意图", "Intent"),
            "answer": both("回答", "Answer"),
            "steps": both("步骤", "Steps"),
            "required_slots": both("必填槽位", "Required slots"),
            "tool": both("工具", "Tool"),
            "shops": both("店铺", "Shops"),
            "skus": both("SKU", "SKUs"),
            "channels": both("渠道", "Channels"),
            "valid_from": both("生效时间", "Valid from"),
            "valid_to": both("失效时间", "Valid to"),
            "owner": both("负责人", "Owner"),
            "review_on": both("复核日期", "Review on"),
            "enabled": both("启用", "Enabled"),
        }
        help_texts = {
            "key": both(
                "同一编号的中英文互为一对", "The same key in the other language is its pair"
            ),
            "steps": both("每行一步", "A step a line"),
            "required_slots": both(
                "每行一个槽位，如 order_number；缺了就先问顾客",
                "A slot a line, as order_number; the customer is asked for what is missing",
            ),
            "shops": both(
                "每行一个接入点的 key；留空表示所有店铺",
                "A key of an inbox a line; empty: every shop",
            ),
            "skus": both("每行一个；留空表示不限商品", "One a line; empty: whatever the product"),
            "channels": both(
                "每行一个，如 widget；留空表示所有渠道",
                "One a line, as widget; empty: every channel",
            ),
            "valid_from": both("从这一刻起才会被检索到", "Found from this moment on"),
            "valid_to": both("到这一刻就不再被检索到", "No longer found at this moment"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_written(self)

    def clean(self) -> dict[str, Any]:
        """What a file may not hold, the form refuses as well: what it wrote is exported and read again."""
        said = super().clean() or self.cleaned_data
        for name in ("title", "answer", "steps"):
            refuse_markup(self, name, said.get(name) or "")
        return said


def refuse_markup(form: Any, name: str, value: str | list[str]) -> None:
    """Names the field that holds HTML or signs nobody can read."""
    try:
        for text in value if isinstance(value, list) else [value]:
            checking.plain(text)
    except checking.Wrong as wrong:
        form.add_error(name, sop_file_words.sentence(wrong.at(name)))


class WordingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """Its column names it for the eye alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            self.fields["text"].widget.attrs["aria-label"] = pick("问法", "Wording")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        refuse_markup(self, "text", said.get("text") or "")
        return said
