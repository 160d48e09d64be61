"""The addresses under /analytics/."""

from django.urls import path

from analytics import comparing, files, loadtest_pages, views

app_name = "analytics"
urlpatterns = [
    path("", views.page, name="home"),
    path("live/", views.live_page, name="live"),
    path("live/now/", views.live_now, name="live_now"),
    path("exports/", files.exports, name="exports"),
    path("exports/<int:pk>/state/", files.state, name="export_state"),
    path("exports/<int:pk>/file/", files.fetch, name="export_file"),
    path("loadtests/", loadtest_pages.loadtests, name="loadtests"),
    path("loadtests/<uuid:pk>/", loadtest_pages.loadtests, name="loadtest"),
    path("comparison/", comparing.comparisons, name="comparisons"),
    path("comparison/<int:pk>/", comparing.comparison, name="comparison"),
    path("comparison/<int:pk>/state/", comparing.comparison_state, name="comparison_state"),
    path("comparison/<int:pk>/cancel/", comparing.cancel, name="comparison_cancel"),
    path("comparison/<int:pk>/resume/", comparing.resume, name="comparison_resume"),
    path("<slug:key>/", views.page, name="page"),
]
