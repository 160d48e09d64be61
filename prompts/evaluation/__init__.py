"""Evaluation sets: an answer is checked against what its case wants; runs ask every case as production would.

Called by prompts.tasks, the admin and `manage.py run_evals`.
"""
