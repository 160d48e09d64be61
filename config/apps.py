"""Registers the wiring with Django."""

from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Inline: tasks bind to the app, and workers to the liveness signal, once Django is set up.
        from config import admin_words, celery, liveness  # noqa: F401, PLC0415

        admin_words.install()
