"""The model comparison: every endpoint asked the same, graded by code, shown with how sure each figure is.

Called by tasks, the pages and `manage.py compare_models`.
"""
