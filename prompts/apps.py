"""Registers the app with Django."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    name = "prompts"
