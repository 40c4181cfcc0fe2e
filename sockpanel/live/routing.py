"""The addresses of the WebSockets, for channels.routing.URLRouter."""

from django.urls import path

from sockpanel.live import consumers

urlpatterns = [
    path("ws/panel/", consumers.panel),
    path("ws/servers/<str:name>/", consumers.server),
]
