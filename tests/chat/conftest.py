"""What chat says and knows, in a few rows of its own: quicker than the defaults of a fresh installation."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from chat import memory, vault
from config.celery import app
from prompts import admission, completion, redis, retrieval
from prompts.models import Prompt, PromptVersion, Sop, SopQuestion
from tests.chat.ear import Ear

TEXTS = {
    "answer": ("资料:{{knowledge}}", "Facts: {{knowledge}}"),
    "unknown": ("这个问题我还不清楚", "I do not know that yet"),
    "apology": ("抱歉,请稍后再试", "Sorry, please try again later"),
    "resume": (
        "上次说到{{topic}},{{slots}}。如需继续上次查询,请回复1",
        "Last time: {{topic}}, {{slots}}. Reply 1 to go on",
    ),
    "resumed": ("好的,继续{{topic}},{{slots}}", "Going on with {{topic}}, {{slots}}"),
    "handoff_notice": ("正在为您转接人工", "Calling a person"),
    "offline_notice": ("客服不在线", "Nobody is online"),
    "agent_joined": ("{{agent}} 为您服务", "{{agent}} is here"),
    "handed_back": ("小助手继续为您服务", "The assistant goes on"),
    "queue_left": ("已取消转接", "The call was cancelled"),
    "message_left": ("留言已收到", "Your message has arrived"),
    "no_people": ("这里没有人工客服", "There is nobody here"),
    "conversation_resolved": ("本次服务已结束", "The conversation has ended"),
    "noted": ("已知:{{slots}}", "Known: {{slots}}"),
    "noted_for": ("记下{{topic}}:{{slots}}", "Noted for {{topic}}: {{slots}}"),
    "check": ("对吗:{{slots}}", "Right: {{slots}}"),
    "busy": ("人多,约{{seconds}}秒后回复", "Busy: about {{seconds}} seconds"),
}
QUESTION = "我的订单怎么还没到?"
ANSWER = "亲,别着急。已帮您催促物流,请留下订单号。"


@pytest.fixture(autouse=True, scope="session")
def detector() -> None:
    """What finds personal data, as servers have it loaded; else the first line of a process would wait for it."""
    vault.load()


@pytest.fixture
def texts(transactional_db: None) -> Iterator[None]:
    """The prompts that chat speaks and one SOP, which answers QUESTION with ANSWER."""
    with transaction.atomic():
        write_prompts()
        sop = Sop.objects.create(
            key="late", language="zh", title="物流", intent="track", answer=ANSWER
        )
        retrieval.reindex([SopQuestion.objects.create(sop=sop, text=QUESTION)])
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()
    retrieval.forget()


def write_prompts() -> None:
    spoken = [
        (Prompt(purpose=purpose, language=language, title=purpose), text)
        for purpose, by_language in TEXTS.items()
        for language, text in zip(("zh", "en"), by_language, strict=True)
    ]
    prompts = Prompt.objects.bulk_create(prompt for prompt, _ in spoken)
    versions = PromptVersion.objects.bulk_create(
        PromptVersion(prompt=prompt, number=1, text=text) for prompt, text in spoken
    )
    for prompt, version in zip(prompts, versions, strict=True):
        prompt.current = version
    Prompt.objects.bulk_update(prompts, ["current"])


@pytest.fixture
def redis_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Redis is away: cache, channel layer's frames and broker are a socket that nobody listens on."""

    def forget() -> None:
        redis.connection.cache_clear()
        admission.limiter.cache_clear()
        memory.compare_and_set.cache_clear()

    settings.REDIS_URL = "unix:///nowhere/redis.sock?db=0"
    monkeypatch.setattr(app.conf, "broker_url", "redis+socket:///nowhere/redis.sock")
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    forget()
    yield
    forget()


@pytest.fixture
def ear(visitor: Any) -> Iterator[Ear]:
    listening = Ear(visitor)
    yield listening
    listening.close()
