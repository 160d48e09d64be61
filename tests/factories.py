"""One factory per model."""

from typing import Any

import factory
from django.contrib.auth import get_user_model
from factory.django import DjangoModelFactory

from chat.models import Agent, Conversation, Inbox, Visitor


class InboxFactory(DjangoModelFactory[Inbox]):
    class Meta:
        model = Inbox

    name = factory.Sequence(lambda n: f"inbox {n}")
    shop_name = "测试小店"


class VisitorFactory(DjangoModelFactory[Visitor]):
    class Meta:
        model = Visitor

    inbox = factory.SubFactory(InboxFactory)


class ConversationFactory(DjangoModelFactory[Conversation]):
    class Meta:
        model = Conversation

    visitor = factory.SubFactory(VisitorFactory)
    inbox = factory.SelfAttribute("visitor.inbox")


class UserFactory(DjangoModelFactory[Any]):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"staff{n}")
    is_staff = True


class AgentFactory(DjangoModelFactory[Agent]):
    class Meta:
        model = Agent

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"agent {n}")
    public_name = factory.SelfAttribute("name")
