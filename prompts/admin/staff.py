"""Users and roles in the admin, with Unfold's forms; rights by the names that rows have in the reader's language."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from prompts.admin.seen import SeenAdmin, SeenForm
from prompts.admin.wording import both

ACTS = {
    "add": both("新增", "add"),
    "change": both("修改", "change"),
    "delete": both("删除", "delete"),
    "view": both("查看", "view"),
}
# Rights that are no act on a row.
OWN_ACTS = {
    "publish_release": both("发布与回滚", "publish and roll back releases"),
    "supervise": both(
        "看班长席、接管、改派与暂停进线", "see the board, take over, reassign, pause the intake"
    ),
    "view_all_inboxes": both("看所有接入点的数据", "see the figures of every inbox"),
}


def right_name(right: Permission) -> str:
    """As 「提示词与模型 · 修改 · 标准应答 SOP」."""
    model = right.content_type.model_class()
    act, _, of = right.codename.partition("_")
    if model is None:
        return f"{right.content_type.app_label} · {right.name}"
    if act not in ACTS or of != model._meta.model_name:
        name = OWN_ACTS.get(right.codename, right.name)
        return f"{model._meta.app_config.verbose_name} · {name}"
    return f"{model._meta.app_config.verbose_name} · {model._meta.verbose_name} · {ACTS[act]}"


class RightsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # generic only in its stubs
    def label_from_instance(self, obj: Any) -> str:
        return right_name(obj)


def rights() -> QuerySet[Permission]:
    return Permission.objects.select_related("content_type").order_by("content_type", "codename")


class ChoosesMany(ModelAdmin):
    """Roles and rights are chosen in one searchable field."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.related_model is Permission:
            kwargs |= {"form_class": RightsField, "queryset": rights()}
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.help_text = ""
            field.widget = UnfoldAdminSelect2MultipleWidget()
            field.widget.choices = field.choices
        return field


class GroupForm(SeenForm):
    class Meta:
        model = Group
        fields = ["name", "permissions"]


class UserForm(SeenForm, UserChangeForm):
    pass


admin.site.unregister(Group)
admin.site.unregister(get_user_model())


@admin.register(Group)
class GroupAdmin(ChoosesMany, SeenAdmin, DjangoGroupAdmin):  # type: ignore[misc]  # stubs name other types
    form = GroupForm


@admin.register(get_user_model())
class UserAdmin(ChoosesMany, SeenAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]  # as above
    form = UserForm
    add_fieldsets = DjangoUserAdmin.add_fieldsets
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
