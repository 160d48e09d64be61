"""Rows for looking at the admin: some of each kind and state, long words and short, in a database that holds the defaults.

Django is set up before this is imported. Safe to call again: then nothing is added.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from chat.gaps import searching
from chat.models import (
    Agent,
    CannedReply,
    Conversation,
    Gap,
    GapSearch,
    Inbox,
    Reveal,
    ShadowAnswer,
    Skill,
    Team,
    Tool,
    ToolCall,
    Turn,
    WebhookDelivery,
    WebhookEndpoint,
)
from chat.states import CallState, Delivered, Event
from prompts import imports, retrieval
from prompts.models import (
    Budget,
    Canary,
    Candidate,
    EvalRun,
    EvalSet,
    Intent,
    ModelEndpoint,
    Prompt,
    PromptDraft,
    PromptVersion,
    PublishRequest,
    Release,
    ReleaseMove,
    Sop,
    SopImport,
)
from tests.bench.studio_rows import Sizes, fill
from tests.chat.gaps.lines import rated, unanswered
from tests.factories import ConversationFactory, VisitorFactory

LONG = "这款电饭煲买了三个月内胆就掉漆了客服一直说在处理但是没有任何进展我想知道到底什么时候能给我换新的"
ASKED = ["怎么开增值税发票", "我要开增值税专用发票", "增值税发票怎么开呢", LONG, LONG + "？"]
ANSWER = "在订单详情里点「申请增值税发票」，填写税号后两个工作日内寄出。"
BAD_FILE = (
    "key,language,title,category,intent,answer\n"
    f"vat,zh,开发票,发票,invoice,{ANSWER}\n"
    "vat,zh,开发票,发票,invoice,又一次\n"
    ",xx,没有键,发票,invoice,\n"
    "html,zh,标记,发票,invoice,<b>粗</b>\n"
)


@transaction.atomic
def add() -> None:
    if Release.objects.exists():
        return
    call_command("generate_history", messages=1200, days=10, mix=True, verbosity=0)
    fill(Sizes(sops=300, examples=60, versions=12, cases=60, runs=6, releases=2, imports=2))
    boss = get_user_model().objects.order_by("pk").first()
    assert boss is not None
    add_writing(boss)
    add_releases(boss)
    add_desk()
    add_gaps()
    add_systems()
    add_silent_answers()


def add_writing(boss: Any) -> None:
    answer = Prompt.objects.get(purpose="answer", language="zh")
    version = PromptVersion.objects.filter(prompt=answer).order_by("-number")[0]
    said = {f.name: getattr(version, f.name) for f in PromptDraft._meta.fields if hasattr(version, f.name)}  # fmt: skip
    said |= {"id": None, "prompt": answer, "rules": f"{version.rules}\n- {LONG}", "updated_by": boss}  # fmt: skip
    PromptDraft.objects.create(**said)
    PublishRequest.objects.create(version=version, reason="今晚的活动不等评测", asked_by=boss)
    sop = Sop.objects.filter(language="zh").order_by("pk")[0]
    sop.answer = f"{sop.answer}（改）"
    sop.save()
    SopImport.objects.filter(state=SopImport.State.DONE).update(
        counts={"added": 2, "updated": 1, "unchanged": 0, "refused": 0},
        fates=[
            {
                "row": 2,
                "key": "vat",
                "language": "zh",
                "title": "开发票",
                "fate": "added",
                "problems": [],
            },
            {
                "row": 3,
                "key": "vat",
                "language": "en",
                "title": "Invoices",
                "fate": "added",
                "problems": [],
            },
            {
                "row": 4,
                "key": "late",
                "language": "zh",
                "title": "催单",
                "fate": "updated",
                "problems": [],
                "changed": ["answer"],
            },
        ],
    )
    job = SopImport.objects.create(file_name="一份名字很长的标准应答导出文件-2026-春.csv", file=BAD_FILE.encode())  # fmt: skip
    imports.check(job.pk)
    for text in ("我这单咋还没动静啊", LONG):
        Candidate.objects.create(
            intent=Intent.objects.order_by("pk")[0], language="zh", text=text, source="candidate",
            opinions={"local": [["order_status", 0.41]], "model": ["logistics"]},
        )  # fmt: skip


def add_releases(boss: Any) -> None:
    """One of each state, one of them on stages, one that another person has to agree to."""
    now, chosen = timezone.now(), EvalSet.objects.order_by("pk")[0]
    version = PromptVersion.objects.order_by("-pk")[0]
    frozen = retrieval.freeze()
    states: dict[str, dict[str, Any]] = {
        "draft": {"shadow_percent": 20, "override_reason": "评测集里有过期的用例", "override_asked_by": boss},
        "canary": {"stages": [[5, 30], [20, 120]], "stage": 0, "stage_since": now, "started_at": now},
        "published": {"published_at": now, "first_bucket": 10, "last_bucket": 14},
        "superseded": {"started_at": now - timedelta(days=3), "ended_at": now},
        "rolled_back": {"started_at": now, "ended_at": now, "reason": "人工接管率 12.0% > 3.0% + 5 / takeovers 12.0% > 3.0% + 5"},
    }  # fmt: skip
    for status, said in states.items():
        row = Release.objects.create(
            name=f"spring-answers-{status.replace('_', '-')}", note=LONG, eval_set=chosen, status=status,
            sop_set=frozen, created_by=boss, **said,
        )  # fmt: skip
        row.versions.set([version])
        EvalRun.objects.create(set=chosen, release=row, subject=row.name, state="done", total=20, passed=19)  # fmt: skip
        ReleaseMove.objects.create(release=row, by=boss, act="start", before="draft", after="canary", detail="00–04")  # fmt: skip
    Canary.objects.create(name="试用新模型", endpoint=ModelEndpoint.objects.order_by("pk")[0])
    EvalRun.objects.create(set=chosen, state="waiting", total=20)
    Budget.objects.create(per_day=Decimal(50))


def add_desk() -> None:
    agent, inbox = Agent.objects.order_by("pk")[0], Inbox.objects.order_by("pk")[0]
    team = Team.objects.create(name="售后")
    team.agents.set(Agent.objects.all()[:3])
    CannedReply.objects.create(folder="退款/进度", title="退款多久到账", text=ANSWER, team=team)
    Skill.objects.create(name="发票", inbox=inbox, intents=["invoice", "refund"]).agents.set(
        [agent]
    )
    talk = Conversation.objects.order_by("pk")[0]
    Reveal.objects.create(
        agent=agent, visitor=talk.visitor, conversation=talk, placeholder="<PHONE_1>", reason="客户要求回电"
    )  # fmt: skip


def add_gaps() -> None:
    visitor = VisitorFactory.create(inbox=Inbox.objects.order_by("pk")[0])
    for text in ASKED:
        talk = ConversationFactory.create(visitor=visitor)
        rated(unanswered(text, answer=ANSWER, conversation=talk), 5)
        visitor = VisitorFactory.create(inbox=visitor.inbox)
    now = timezone.now()
    row = GapSearch.objects.create(since=now - timedelta(days=7), until=now + timedelta(minutes=1))
    searching.run(row.pk)
    Gap.objects.create(search=row, title=LONG, language="zh", size=3, conversations=3, takeovers=2, state="solved")  # fmt: skip


def add_systems() -> None:
    talk, tool = Conversation.objects.order_by("pk")[0], Tool.objects.order_by("pk").first()
    hook = WebhookEndpoint.objects.create(
        name="工单系统", url="https://hooks.shop.example/yingda/conversations?source=production", events=[Event.QUEUED.value]
    )  # fmt: skip
    for state in (Delivered.PENDING, Delivered.DONE, Delivered.FAILED):
        WebhookDelivery.objects.create(
            endpoint=hook, event=Event.QUEUED.value, conversation=talk, body={"event": "queued"}, state=state.value,
            next_at=timezone.now() + timedelta(days=1), error="timeout" if state is Delivered.FAILED else "",
        )  # fmt: skip
    if tool is not None:
        ToolCall.objects.create(
            conversation=talk, tool=tool, name=tool.name, state=CallState.DONE.value,
            arguments={"order_no": "20260131001"}, result={"status": "shipped"}, status_code=200, duration_ms=84.0,
        )  # fmt: skip


def add_silent_answers() -> None:
    release = Release.objects.get(name="spring-answers-draft")
    told = {"text": ANSWER, "endpoint": "light", "sops": ["vat"], "knows": True, "offers": False, "ms": 900.0, "cny": "0.001"}  # fmt: skip
    silent = {
        **told,
        "text": f"抱歉让您久等了。{ANSWER}",
        "endpoint": "strong",
        "sops": [],
        "ms": 1900.0,
    }
    for turn in Turn.objects.order_by("pk")[:6]:
        ShadowAnswer.objects.create(
            release=release, turn=turn, asked=LONG, similarity=0.4, differs=["words", "length", "sops"],
            said=told, would_say=silent,
        )  # fmt: skip
