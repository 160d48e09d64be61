"""Moves releases: gated by their evaluation set, tried on some buckets, published, taken back.

Called by the admin and by the guard that beat rings for. After every move all processes follow within seconds.
"""

from prompts.releases.gating import Gate, agree_to_override, ask_to_override, gate
from prompts.releases.history import note
from prompts.releases.judging import Comparison, Figures, guard, statistics
from prompts.releases.moving import (
    activate,
    follow_edits,
    overlapping,
    publish,
    range_text,
    roll_back,
    start,
    widen,
)

__all__ = [
    "Comparison",
    "Figures",
    "Gate",
    "activate",
    "agree_to_override",
    "ask_to_override",
    "follow_edits",
    "gate",
    "guard",
    "note",
    "overlapping",
    "publish",
    "range_text",
    "roll_back",
    "start",
    "statistics",
    "widen",
]
