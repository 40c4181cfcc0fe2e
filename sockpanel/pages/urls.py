"""The address of every page."""

from django.urls import path
from django.views.generic import RedirectView

from sockpanel.pages.client import client
from sockpanel.pages.connections import connections
from sockpanel.pages.history import history
from sockpanel.pages.new import address, new
from sockpanel.pages.server import server
from sockpanel.pages.servers import servers
from sockpanel.pages.settings import settings

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="servers")),
    path("servers/", servers, name="servers"),
    path("servers/new/", new, name="new"),
    path("servers/new/address/", address, name="address"),
    path("servers/<slug:name>/", server, name="server"),
    path("servers/<slug:name>/connections/", connections, name="connections"),
    path("servers/<slug:name>/history/", history, name="history"),
    path("servers/<slug:name>/settings/", settings, name="settings"),
    path("client/", client, name="client"),
]
