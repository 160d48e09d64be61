"""The addresses under /analytics/."""

from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("", views.page, name="home"),
    path("live/", views.live_page, name="live"),
    path("live/now/", views.live_now, name="live_now"),
    path("<slug:key>/", views.page, name="page"),
]
