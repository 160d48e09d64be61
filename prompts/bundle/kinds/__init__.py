"""The kinds of objects in a bundle, in the order in which they are stored: what is named comes first."""

from prompts.bundle.kinds.cases import CaseKind
from prompts.bundle.kinds.examples import ExampleKind
from prompts.bundle.kinds.intents import IntentKind
from prompts.bundle.kinds.kind import Change, Kind, Stored, Trouble, World
from prompts.bundle.kinds.policies import PolicyKind
from prompts.bundle.kinds.prompts import PromptKind, VersionKind
from prompts.bundle.kinds.sets import SetKind
from prompts.bundle.kinds.sops import SopKind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        IntentKind(),
        ExampleKind(),
        SopKind(),
        SetKind(),
        CaseKind(),
        VersionKind(),
        PromptKind(),
        PolicyKind(),
    )
}

__all__ = ["KINDS", "Change", "Kind", "Stored", "Trouble", "World"]
