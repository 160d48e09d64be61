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


def test_a_group_that_is_there_is_left_alone() -> None:
    assert len(roles.make()) == 4
    group = Group.objects.get(name="studio viewer")
    group.permissions.set(Permission.objects.filter(codename="view_sop"))

    assert roles.make() == []
    assert group.permissions.count() == 1


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
