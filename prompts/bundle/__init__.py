"""What staff wrote, as files: exported in stable order, compared, imported whole or not at all.

Called by `manage.py bundle`. A directory holds a file per object, or a line of JSON; docs/bundle.md has the layout.
"""

from prompts.bundle.comparing import Fate, Item, Plan, compare
from prompts.bundle.exporting import Export, export
from prompts.bundle.importing import Refused, apply
from prompts.bundle.problems import BundleError, Problem
from prompts.bundle.walking import read, write

__all__ = [
    "BundleError",
    "Export",
    "Fate",
    "Item",
    "Plan",
    "Problem",
    "Refused",
    "apply",
    "compare",
    "export",
    "read",
    "write",
]
