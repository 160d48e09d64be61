"""Starts the web process: `python -m config.web --port N [--host H]`. `manage.py up` and deployments call it."""

import argparse
import os
import sys
from importlib import import_module
from typing import NoReturn

from django.conf import settings
from django.utils.module_loading import import_string

from config.web.limits import Limits
from prompts.redaction import engine

SERVERS = {"daphne": "config.web.daphne_server", "uvicorn": "config.web.uvicorn_server"}


def main() -> NoReturn:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    parser = argparse.ArgumentParser(prog="python -m config.web", description=__doc__)
    parser.add_argument("--port", type=int, default=settings.PORT)
    parser.add_argument("--host", default=settings.HOST)
    arguments = parser.parse_args()
    if settings.SERVER not in SERVERS:
        sys.exit(f"YINGDA_SERVER is {settings.SERVER!r}: use one of {', '.join(SERVERS)}")
    # Only the chosen one is loaded: each brings its own event loop, and Daphne's must come before the application.
    server = import_module(SERVERS[settings.SERVER])
    limits = Limits(
        socket_bytes=settings.SOCKET_MAX_BYTES, socket_behind_frames=settings.SOCKET_BACKLOG_FRAMES
    )
    application = import_string(settings.ASGI_APPLICATION)
    engine.warm_soon()
    sys.exit(server.serve(application, host=arguments.host, port=arguments.port, limits=limits))


if __name__ == "__main__":
    main()
