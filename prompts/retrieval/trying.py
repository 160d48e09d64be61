"""What a search would find if one more SOP were there. Writes nothing, so that staff may try as often as they like."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompts.nlu import segment
from prompts.retrieval.ranking import (
    QUERY_CHARS,
    Candidate,
    Hit,
    as_hit,
    build_parts,
    candidates,
    choose_terms,
    rank,
)
from prompts.retrieval.standing import (
    EVERYWHERE,
    Scope,
    Statistics,
    Weights,
    base_weight,
    rarity,
    statistics,
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """An SOP that is not there yet: its wordings, the title among them. `sop_id` is of the row it would renew, or 0."""

    wordings: Sequence[str]
    key: str = ""
    language: str = "zh"
    title: str = ""
    sop_id: int = 0


def search_with(
    proposed: Proposed, text: str, *, limit: int = 3, scope: Scope = EVERYWHERE
) -> list[Hit]:
    """As `search`, in the SOP's own language, with the proposed SOP among those that may be found."""
    current = with_terms(statistics(), proposed)
    parts = build_parts(text[:QUERY_CHARS], current)
    telling = choose_terms(parts[0].weights, current)
    found = candidates(telling, current, scope=scope) if telling else []
    others = [each for each in found if each.sop_id != proposed.sop_id]
    fresh = [as_candidate(proposed, wording) for wording in proposed.wordings]
    ranked = rank([*others, *fresh], parts=parts, current=current)
    own = [each for each in ranked if each.best.language == proposed.language and each.score > 0]
    return list(map(as_hit, own[:limit]))


def with_terms(current: Statistics, proposed: Proposed) -> Statistics:
    """The statistics when terms that no SOP knows yet are known by one."""
    terms = {term for wording in proposed.wordings for term in segment.terms(wording)}
    weights = Weights(current.weights)
    for term in terms - current.weights.keys():
        weights[term] = base_weight(term) * rarity(1, sops=max(current.version[1], 1) + 1)
    return replace(current, weights=weights)


def as_candidate(proposed: Proposed, wording: str) -> Candidate:
    terms = "' '".join(segment.terms(wording))
    return Candidate(
        sop_id=proposed.sop_id,
        key=proposed.key,
        language=proposed.language,
        title=proposed.title,
        answer="",
        intent="",
        category="",
        steps=json.dumps([]),
        required_slots=json.dumps([]),
        tool="",
        question=wording,
        vector=f"'{terms}'",
    )
