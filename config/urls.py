"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from config import health
from config.api import api

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("favicon.ico", RedirectView.as_view(url="/static/chat/widget/icon.svg")),
    path("admin/", admin.site.urls),
    path("i18n/setlang/", set_language, name="set_language"),
    path("analytics/", include("analytics.urls")),
    path("api/", api.urls),
    path("", include("chat.urls")),
]
