#!/usr/bin/env python
"""Runs Django's commands with Yingda's settings."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Inline so that a missing environment is reported in one line.
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415
    except ImportError:
        sys.exit("Django is not installed here: run `make up`, or use .venv/bin/python")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
