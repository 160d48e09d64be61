"""What customers asked and nobody could answer: found, put together, and turned into SOPs.

Called by chat.tasks, chat.actions.privacy and the admin.
"""
