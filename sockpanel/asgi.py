"""The panel as one ASGI application: border, then HTTP to Django and WebSockets to the live view."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sockpanel.settings")

import django

django.setup(set_prefix=False)  # what follows needs its models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402

from sockpanel import listening  # noqa: E402
from sockpanel.accounts.sockets import SignedIn  # noqa: E402
from sockpanel.border import Border  # noqa: E402
from sockpanel.files import Handler  # noqa: E402
from sockpanel.live.routing import urlpatterns  # noqa: E402
from sockpanel.origins import OwnOrigins  # noqa: E402
from sockpanel.proxies import Proxies  # noqa: E402
from sockpanel.templatetags import icons  # noqa: E402


async def nowhere(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A WebSocket to an address that there is not: refused, where Channels would raise."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close", "code": 4404})


icons.read_named()

sockets: list[Any] = [*urlpatterns, re_path("", nowhere)]  # type: ignore[arg-type]  # Channels' routes are not Django's views
panel: Any = ProtocolTypeRouter({"http": Handler(), "websocket": SignedIn(URLRouter(sockets))})  # type: ignore[arg-type]

application = Border(
    panel,
    OwnOrigins(
        listening.bound(),
        settings.SOCKPANEL_PORT,
        tls=bool(settings.SOCKPANEL_TLS),
        others=settings.SOCKPANEL_ORIGINS,
    ),
    Proxies(settings.SOCKPANEL_PROXIES),
    settings.SESSION_COOKIE_NAME,
)
