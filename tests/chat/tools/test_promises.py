"""To look something up keeps no promise: only what was written does."""

from dataclasses import replace

import pytest

from chat import keeping
from chat.assisting import threads
from chat.models import Conversation, Tool, ToolCall, Turn
from chat.states import CallState
from chat.tools.acting import Acts, finding_of
from chat.tools.registry import Spec
from chat.tools.running import Outcome
from prompts.completion import Answer

pytestmark = pytest.mark.django_db

SAID = "已为您退款了。"


@pytest.mark.parametrize(("effect", "promised"), [("read", [SAID]), ("write", [])])
def test_only_a_tool_that_writes_makes_what_is_promised(
    conversation: Conversation, specs: dict[str, Spec], effect: str, promised: list[str]
) -> None:
    spec = replace(next(iter(specs.values())), name="refund", effect=effect)
    acts = Acts(Turn(conversation=conversation), "zh", lambda: True)
    acts.add(finding_of(Outcome(spec, CallState.DONE)))
    reply = Answer(SAID, "a-model", {}, (), None, {})
    assert list(keeping.promised(reply, acts)) == promised

    tool = Tool.objects.filter(inbox=conversation.inbox, effect=effect)[0]
    Tool.objects.filter(pk=tool.pk).update(name="refund")
    ToolCall.objects.create(
        tool=tool, name="refund", conversation=conversation, asked_by="model", state="done"
    )
    assert [doubt["sentence"] for doubt in threads.doubts(conversation, SAID)] == promised
