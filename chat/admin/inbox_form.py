"""The form of an inbox: everything staff decide about a widget, each value checked where it is typed."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminColorInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chat import media
from chat.admin.by_language import Column, Lines, ListByLanguage, Rows, TextByLanguage, lines
from chat.inbox import forms as inbox_forms
from chat.inbox import hours
from chat.inbox.problem import Problem
from chat.inbox.wording import LOCALES, TEXT_CHARS
from chat.models import Inbox
from prompts.admin.seen import SeenForm
from prompts.admin.wording import both, pick

LOGO_SIDE = 256
DEFAULT_COLOR = "#14665a"
TEXT_LABELS = {
    "welcome": both("欢迎语", "Welcome"),
    "placeholder": both("输入框提示", "Placeholder of the input"),
    "offline": both("下班时的说明", "While closed"),
    "rating": both("评价标题", "Title of the rating"),
    "consent": both("同意说明（填写后先征得同意）", "Consent (asked for first where there is one)"),
}
DAYS = {
    "mon": both("周一", "Monday"), "tue": both("周二", "Tuesday"), "wed": both("周三", "Wednesday"),
    "thu": both("周四", "Thursday"), "fri": both("周五", "Friday"), "sat": both("周六", "Saturday"),
    "sun": both("周日", "Sunday"),
}  # fmt: skip
KINDS = [
    ("text", both("文字", "Text")),
    ("phone", both("电话", "Phone")),
    ("email", both("邮箱", "E-mail")),
    ("select", both("下拉选择", "Choice")),
]
VISITORS = [
    ("", both("所有访客", "Everybody")),
    ("new", both("新访客", "New visitors")),
    ("back", both("回访者", "Those who come again")),
]
THEMES = [
    ("auto", both("跟随系统", "As the system says")),
    ("light", both("浅色", "Light")),
    ("dark", both("深色", "Dark")),
]
POSITIONS = [("right", both("右下角", "Right")), ("left", both("左下角", "Left"))]
RECEPTIONS = [
    ("bot_first", both("机器人优先", "Bot first")),
    ("human_first", both("人工优先（在线且营业时）", "People first, while they are there")),
    ("choose", both("由顾客选择", "The customer chooses")),
    ("bot_only", both("仅机器人", "Bot only")),
    ("human_only", both("仅人工", "People only")),
]
RETURNING = {"": None, "new": False, "back": True}


def language_columns(name: str, label: Any) -> list[Column]:
    return [Column(f"{name}-{locale}", f"{label} {locale}") for locale in LOCALES]


class FormFields(Rows):
    """The form before a conversation."""

    most = inbox_forms.FIELDS_MOST
    columns = (
        Column("name", both("字段名", "Name"), hint="phone"),
        Column("kind", both("类型", "Kind"), choices=KINDS),
        Column("required", both("必填", "Required"), is_flag=True),
        *language_columns("label", both("名称", "Label")),
        *language_columns("options", both("选项（逗号分隔）", "Choices, by commas")),
    )

    def flat(self, record: Mapping[str, Any]) -> dict[str, Any]:
        texts = {f"label-{locale}": text for locale, text in record["label"].items()}
        options = {f"options-{k}": ", ".join(v) for k, v in record.get("options", {}).items()}
        plain = {name: record.get(name, "") for name in ("name", "kind", "required")}
        return {**plain, **texts, **options}

    def record(self, row: Mapping[str, str]) -> dict[str, Any]:
        options = {locale: split(row[f"options-{locale}"]) for locale in LOCALES}
        field = {
            "name": row["name"],
            "kind": row["kind"],
            "required": bool(row["required"]),
            "label": {k: row[f"label-{k}"] for k in LOCALES if row[f"label-{k}"]},
        }
        given = {locale: listed for locale, listed in options.items() if listed}
        return {**field, "options": given} if given else field


def split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


class Greetings(Rows):
    """What the widget says by itself."""

    most = inbox_forms.GREETINGS_MOST
    columns = (
        Column("page", both("页面", "Page"), hint="/cart*"),
        Column("dwell_seconds", both("停留秒数", "Seconds"), hint="20"),
        Column("returning", both("访客", "Visitors"), choices=VISITORS),
        *language_columns("text", both("问候语", "Greeting")),
    )

    def flat(self, record: Mapping[str, Any]) -> dict[str, Any]:
        names = {value: name for name, value in RETURNING.items()}
        texts = {f"text-{locale}": text for locale, text in record["text"].items()}
        return {
            "page": record["page"],
            "dwell_seconds": record["dwell_seconds"],
            "returning": names[record["returning"]],
            **texts,
        }

    def record(self, row: Mapping[str, str]) -> dict[str, Any]:
        seconds = row["dwell_seconds"] or "0"
        return {
            "page": row["page"] or "*",
            "dwell_seconds": int(seconds) if seconds.isdecimal() else -1,
            "returning": RETURNING.get(row["returning"]),
            "text": {k: row[f"text-{k}"] for k in LOCALES if row[f"text-{k}"]},
        }


def text_fields() -> dict[str, forms.Field]:
    return {
        f"text_{name}": TextByLanguage(label=TEXT_LABELS[name], rows=1 if chars <= 100 else 3)
        for name, chars in TEXT_CHARS.items()
    }


def hours_fields() -> dict[str, forms.Field]:
    example = {"placeholder": "09:00-12:00 13:00-18:00"}
    zone = forms.CharField(
        label=both("时区", "Time zone"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Asia/Shanghai"}),
        help_text=both("留空表示全天服务。", "Leave it empty to be open always."),
    )
    days = {
        f"hours_{day}": forms.CharField(
            label=label, required=False, widget=UnfoldAdminTextInputWidget(attrs=example)
        )
        for day, label in DAYS.items()
    }
    special = forms.CharField(
        label=both("节假日与调休", "Holidays and special days"),
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 4, "placeholder": "2026-10-01\n2026-10-10 09:00-18:00"}
        ),
        help_text=both(
            "每行一个日期；只写日期表示休息，后面写时间表示当天的营业时间。",
            "One date a line: alone it is closed; with times after it, those are the hours of that day.",
        ),
    )
    return {"hours_zone": zone, **days, "hours_special": special}


class InboxForm(SeenForm):
    """JSON columns as boxes and tables; `text_*` and `hours_*` are gathered into theirs."""

    color = forms.CharField(
        label=both("主色", "Colour"),
        required=False,
        widget=UnfoldAdminColorInputWidget(),
        help_text=both(
            "文字颜色会自动选择，保证看得清。", "The text on it is chosen so that it can be read."
        ),
    )
    quick_questions = ListByLanguage(
        label=both("快捷问题", "Quick questions"),
        help_text=both("每行一个，最多 10 个。", "One a line, at most ten."),
    )
    rating_tags = ListByLanguage(label=both("评价标签", "Tags of the rating"))
    prechat = FormFields(label=both("会话前表单", "Form before a conversation"))
    greetings = Greetings(
        label=both("主动问候", "Greetings"),
        help_text=both(
            "页面可用 * 匹配任意字符，如 /cart*。", "In a page * stands for anything, as /cart*."
        ),
    )
    allowed_domains = Lines(
        label=both("允许嵌入的网站", "Sites that may embed it"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "https://shop.example"}),
        help_text=both(
            "每行一个来源；留空只允许本站，* 表示任何网站。",
            "One origin a line; empty means this site only, * any.",
        ),
    )
    logo_file = forms.FileField(
        label=both("徽标", "Logo"), required=False, widget=UnfoldAdminFileFieldWidget()
    )
    logo_remove = forms.BooleanField(
        label=both("移除徽标", "Remove the logo"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )

    class Meta:
        model = Inbox
        exclude: list[str] = ["texts", "hours"]
        labels = {
            "key": both("密钥", "Key"),
            "name": both("名称", "Name"),
            "shop_name": both("店铺名称", "Shop"),
            "bot_name": both("机器人名称", "Name of the bot"),
            "locale": both("默认语言", "Language"),
            "theme": both("主题", "Theme"),
            "position": both("启动按钮位置", "Side of the launcher"),
            "sound": both("提示音", "Sound"),
            "reception": both("接待模式", "Reception"),
            "ai_label": both("标注 AI 生成", "Label what AI wrote"),
            "uploads": both("允许顾客发图片", "Customers may send images"),
            "enabled": both("启用", "Enabled"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(gathered(self.instance))
        # A browser's field for a colour is never empty: without this, it says and sends black.
        self.initial["color"] = self.instance.color or DEFAULT_COLOR
        lists = {"theme": THEMES, "position": POSITIONS, "reception": RECEPTIONS}
        for name, choices in lists.items():
            if isinstance(field := self.fields.get(name), forms.ChoiceField):
                field.choices = choices
        self.logo: media.Cleaned | None = None

    def clean_color(self) -> str:
        """The shop's own colour; the widget's is kept as none, so that it stays the widget's."""
        given: str = self.cleaned_data["color"]
        was_none = not self.instance.color
        return "" if was_none and given.lower() == DEFAULT_COLOR else given

    def clean_logo_file(self) -> Any:
        given = self.cleaned_data["logo_file"]
        if given is not None:
            try:
                self.logo = media.clean(given.read(), side=LOGO_SIDE)
            except media.Refused as refused:
                raise forms.ValidationError(pick(refused.zh, refused.en)) from None
        return given

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.instance.texts = {
            name: text for name in TEXT_CHARS if (text := data.get(f"text_{name}"))
        }
        try:
            self.instance.hours = read_hours(data)
        except Problem as problem:
            self.add_error(None, pick(problem.zh, problem.en))
        self.check_texts()
        return data

    def check_texts(self) -> None:
        """Each text's length, told beside its own boxes."""
        for name, chars in TEXT_CHARS.items():
            by_language = self.instance.texts.get(name, {})
            if any(len(text) > chars for text in by_language.values()):
                self.add_error(
                    f"text_{name}", pick(f"最多 {chars} 个字。", f"At most {chars} characters.")
                )


# Django's metaclass has read the class by now, and the admin makes its own of it: both lists of fields get them.
for name, field in (text_fields() | hours_fields()).items():
    InboxForm.base_fields[name] = InboxForm.declared_fields[name] = field


def gathered(inbox: Inbox) -> dict[str, Any]:
    """The stored texts and hours as the form's fields."""
    plan = inbox.hours
    special = (f"{day} {' '.join(ranges)}".strip() for day, ranges in plan.get("days", {}).items())
    return {
        **{f"text_{name}": inbox.texts.get(name, {}) for name in TEXT_CHARS},
        "hours_zone": plan.get("time_zone", ""),
        **{f"hours_{day}": " ".join(plan.get("week", {}).get(day, [])) for day in hours.WEEK},
        "hours_special": "\n".join(special),
    }


def read_hours(data: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of the form's fields. Raises Problem."""
    zone = (data.get("hours_zone") or "").strip()
    week = {day: (data.get(f"hours_{day}") or "").replace("–", "-").split() for day in hours.WEEK}
    special = [line.split() for line in lines(data.get("hours_special") or "")]
    if not zone:
        if any(week.values()) or special:
            raise Problem("请填写营业时间的时区。", "Say which time zone the hours are in.")
        return {}
    plan = {
        "time_zone": zone,
        "week": {day: ranges for day, ranges in week.items() if ranges},
        "days": {day: ranges for day, *ranges in special},
    }
    hours.check(plan)
    return plan
