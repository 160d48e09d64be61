"""The ASGI application: pages and API by Django, sockets by Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

# Below the line above, because consumers import models.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from chat.urls import sockets  # noqa: E402

application = ProtocolTypeRouter({"http": pages, "websocket": URLRouter(sockets)})
