"""SOPs on their way in and out: files read within bounds, rows checked, a plan of every row's fate, applied whole.

Called by prompts.admin and prompts.tasks.
"""

from prompts.transfer.applying import Changed, apply
from prompts.transfer.planning import Fate, Plan, plan
from prompts.transfer.reading import Unreadable, read
from prompts.transfer.writing import FORMATS, write

__all__ = ["FORMATS", "Changed", "Fate", "Plan", "Unreadable", "apply", "plan", "read", "write"]
