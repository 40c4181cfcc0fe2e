"""The address of every page."""

from django.urls import path
from django.views.decorators.gzip import gzip_page
from django.views.generic import RedirectView

from sockpanel.accounts.access import require
from sockpanel.pages.account import account
from sockpanel.pages.activity import activity
from sockpanel.pages.certificates import certificates, download
from sockpanel.pages.client import client
from sockpanel.pages.command import command
from sockpanel.pages.commands import commands
from sockpanel.pages.connections import connections
from sockpanel.pages.history import history
from sockpanel.pages.keys import keys
from sockpanel.pages.new import address, new
from sockpanel.pages.server import server
from sockpanel.pages.servers import servers
from sockpanel.pages.settings import settings
from sockpanel.pages.traffic import traffic
from sockpanel.pages.users import users

urlpatterns = [
    path("", require("servers.see")(RedirectView.as_view(pattern_name="servers"))),
    path("servers/", gzip_page(servers), name="servers"),
    path("servers/new/", gzip_page(new), name="new"),
    path("servers/new/address/", address, name="address"),
    path("servers/<slug:name>/", gzip_page(server), name="server"),
    path("servers/<slug:name>/connections/", gzip_page(connections), name="connections"),
    path("servers/<slug:name>/history/", gzip_page(history), name="history"),
    path("servers/<slug:name>/traffic/", gzip_page(traffic), name="traffic"),
    path("servers/<slug:name>/settings/", gzip_page(settings), name="settings"),
    path("activity/", gzip_page(activity), name="activity"),
    path("certificates/", gzip_page(certificates), name="certificates"),
    path("certificates/<slug:name>.pem", download, name="certificate-file"),
    path("client/", gzip_page(client), name="client"),
    path("commands/", gzip_page(commands), name="commands"),
    path("commands/keys/", gzip_page(keys), name="keys"),
    path("commands/<int:pk>/", gzip_page(command), name="command"),
    path("account/", account, name="account"),
    path("users/", users, name="users"),
]
