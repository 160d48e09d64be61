"""The roles of the studio: made once, each with its part, none with all of it."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from prompts import roles
from prompts.models import Prompt, PromptVersion
from tests.prompts.admin.pages import page

pytestmark = pytest.mark.django_db


def client_of(role: str) -> Client:
    user = get_user_model().objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_every_right_of_a_role_is_there() -> None:
    roles.make()

    for name, codenames in roles.ROLES.items():
        given = Group.objects.get(name=name).permissions.values_list("codename", flat=True)
        assert set(given) == codenames


def test_reviewers_see_the_message_they_make_a_case_of_and_viewers_do_not() -> None:
    roles.make()

    for role, answer in {
        "studio reviewer": 200,
        "studio editor": 200,
        "studio viewer": 403,
    }.items():
        for model in ("message", "conversation", "turn"):
            seen = client_of(role).get(f"/admin/chat/{model}/").status_code
            assert seen == answer, (role, model)
            get_user_model().objects.all().delete()


def held(group: Group) -> set[str]:
    return set(group.permissions.values_list("codename", flat=True))


def test_what_an_operator_changed_of_a_role_stays() -> None:
    assert set(roles.make()) == set(roles.ROLES)
    group = Group.objects.get(name="studio viewer")
    group.permissions.set(Permission.objects.filter(codename__in=["view_sop", "delete_inbox"]))

    assert roles.make() == {}
    assert held(group) == {"view_sop", "delete_inbox"}


def test_a_role_of_an_older_platform_gets_what_it_lacks_and_keeps_what_was_added() -> None:
    group = Group.objects.create(name="studio viewer")
    group.permissions.set(Permission.objects.filter(codename__in=["view_sop", "delete_inbox"]))

    given = roles.make()["studio viewer"]

    assert {"view_gap", "view_auditentry"} <= set(given)
    assert held(group) == roles.VIEWED | {"delete_inbox"}


def test_a_right_of_a_later_platform_comes_along_and_one_that_was_taken_away_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(roles.ROLES, "studio viewer", roles.VIEWED - {"view_gap"})
    roles.make()
    group = Group.objects.get(name="studio viewer")
    group.permissions.remove(Permission.objects.get(codename="view_sop"))
    monkeypatch.setitem(roles.ROLES, "studio viewer", roles.VIEWED)

    assert roles.make() == {"studio viewer": ["view_gap"]}
    assert held(group) == roles.VIEWED - {"view_sop"}


def test_an_editor_writes_and_does_not_publish_and_a_publisher_the_other_way_round() -> None:
    roles.make()
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    version = PromptVersion.objects.create(prompt=prompt, number=1, text="文本")
    publish = page("promptversion_publish", version.pk)
    editor, publisher = client_of("studio editor"), client_of("studio publisher")

    assert editor.post(publish).status_code == 403
    assert Prompt.objects.get().current is None
    assert publisher.post(page("prompt_change", prompt.pk), {"_action": "save"}).status_code == 403
    assert publisher.post(publish).status_code == 302
    assert Prompt.objects.get().current == version


def test_a_viewer_reads_and_makes_nothing() -> None:
    roles.make()
    viewer = client_of("studio viewer")

    for name in ("prompt", "sop", "evalset", "evalcase", "evalrun", "release"):
        assert viewer.get(page(f"{name}_changelist")).status_code == 200
    for name in ("sop", "evalset", "evalcase", "release"):
        assert viewer.get(page(f"{name}_add")).status_code == 403


def test_a_user_is_added_and_given_a_role_on_unfolds_forms(admin_client: Client) -> None:
    roles.make()
    said = {"username": "xiaolin", "usable_password": "true", "password1": "shop-7431-x", "password2": "shop-7431-x"}  # fmt: skip
    assert 'name="password1"' in admin_client.get("/admin/auth/user/add/").content.decode()
    assert admin_client.post("/admin/auth/user/add/", said).status_code == 302
    user = get_user_model().objects.get(username="xiaolin")

    url = f"/admin/auth/user/{user.pk}/change/"
    shown = admin_client.get(url, headers={"Accept-Language": "zh-CN"}).content.decode()
    assert "查看" in shown
    assert "Can view" not in shown
    joined = {"date_joined_0": "2026-01-31", "date_joined_1": "08:00:00"}
    role = Group.objects.get(name="studio editor")
    saved = admin_client.post(url, {"username": "xiaolin", "is_active": "on", "groups": [role.pk], **joined})  # fmt: skip
    assert saved.status_code == 302
    assert list(user.groups.all()) == [role]
