"""What a model does for agents: the brief of a hand-over, drafts, their words anew, summaries. Called by tasks and actions.

Models see masked lines only, as data between marks that nobody can guess; what they write is checked before it is shown.
"""

from threading import BoundedSemaphore

# So much at once in a process: agents' help never takes up the threads that other tasks need.
PLACES = BoundedSemaphore(4)
