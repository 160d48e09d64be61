"""Moves releases: gated by their evaluation set, tried on some buckets, published, taken back.

Called by the admin and by the guard that beat rings for. After every move all processes follow within seconds.
"""

from prompts.releases.evidence import Outcomes, register
from prompts.releases.evidence import judged as verdict_of
from prompts.releases.evidence import read as outcomes
from prompts.releases.gating import (
    Gate,
    agree_to_override,
    ask_to_override,
    digest_of,
    gate,
    is_older,
    newer_in_force,
)
from prompts.releases.history import note
from prompts.releases.judging import Comparison, Figures, Told, guard, statistics, told
from prompts.releases.loosening import alone, loosened
from prompts.releases.moving import (
    activate,
    agree_to_follow,
    follow_edits,
    overlapping,
    publish,
    range_text,
    roll_back,
    start,
    widen,
)
from prompts.releases.moving import shadow as shadow
from prompts.releases.sequential import Verdict
from prompts.releases.stages import (
    BadStages,
    Standing,
    advance,
    blocker,
    pause,
    resume,
    standing,
)

__all__ = [
    "BadStages",
    "Comparison",
    "Figures",
    "Gate",
    "Outcomes",
    "Standing",
    "Told",
    "Verdict",
    "activate",
    "advance",
    "agree_to_follow",
    "agree_to_override",
    "alone",
    "ask_to_override",
    "blocker",
    "digest_of",
    "follow_edits",
    "gate",
    "guard",
    "is_older",
    "loosened",
    "newer_in_force",
    "note",
    "outcomes",
    "overlapping",
    "pause",
    "publish",
    "range_text",
    "register",
    "resume",
    "roll_back",
    "shadow",
    "standing",
    "start",
    "statistics",
    "told",
    "verdict_of",
    "widen",
]
