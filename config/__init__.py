"""Wiring only: settings, ASGI, Celery, URLs, embedded services. Holds no business rule."""
