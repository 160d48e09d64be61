"""Staff who may do everything, staff who may only look, and endpoints at the provider fake."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from prompts import snapshot
from prompts.models import ModelEndpoint
from tests.fakes.provider_control import ProviderControl

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    """Rows of one test are rolled back, so what was read of them must go as well."""
    snapshot.CACHE.clear()
    yield
    snapshot.CACHE.clear()


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def looker(db: None) -> Client:
    """Staff who may view every model and change none."""
    user = get_user_model().objects.create_user("looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def endpoint(db: None, provider: ProviderControl, settings: Any) -> Callable[..., ModelEndpoint]:
    """Makes endpoints of the fake, with a key."""
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}

    def make(name: str = "shop-model", **changes: Any) -> ModelEndpoint:
        fields = {
            "provider": "openai",
            "model": "fake-light",
            "base_url": provider.base_url,
            "api_key_env": "SHOP_API_KEY",
        }
        return ModelEndpoint.objects.create(name=name, **{**fields, **changes})

    return make
