"""The addresses of the WebSockets, for channels.routing.URLRouter."""

from django.urls import path

from sockpanel.live import commands, consumers

urlpatterns = [
    path("ws/panel/", consumers.panel),  # type: ignore[arg-type]  # an ASGI application, not a view
    path("ws/servers/<str:name>/", consumers.server),  # type: ignore[arg-type]  # the same
    path("ws/commands/<int:id>/", commands.command),  # type: ignore[arg-type]  # the same
]
