"""Pages and sockets of chat."""

from channels.auth import AuthMiddlewareStack
from django.urls import path

from chat import consumers, views

urlpatterns = [
    path("", views.demo_shop, name="demo-shop"),
    path("console/", views.console, name="console"),
    path("demo/sdk/", views.demo_sdk, name="demo-sdk"),
    path("embed.js", views.embed, name="embed"),
    path("widget/files/<str:version>/<str:name>", views.widget_asset, name="widget-asset"),
    path("widget/<str:inbox_key>/", views.widget, name="widget"),
    path("widget/<str:inbox_key>/logo/<str:name>", views.logo, name="widget-logo"),
    path("media/<str:token>/", views.shown_image, name="media"),
]
sockets = [
    path("ws/client/", consumers.ClientConsumer.as_asgi()),
    path("ws/agent/", AuthMiddlewareStack(consumers.AgentConsumer.as_asgi())),
]
