"""The border: the outermost ASGI application. Who names another host, or comes from another page, gets no further.

On every HTTP request and WebSocket upgrade the Host header is there once and names the panel, port and all; on every upgrade and every
unsafe method the Origin is the panel's own. Cookies know no port and a page of another port is a stranger, so nothing less will do.
A request with a Bearer token is no browser's: its cookies are taken away, and its upgrade needs no Origin. The session's cookie counts
as browsers write it alone, for so the redaction (services.servers.redaction) knows it wherever else it comes. It knows no user.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from services.errors import HostRefused, OriginRefused, SockpanelError
from services.servers.redaction import clean_text
from sockpanel.origins import OwnOrigins
from sockpanel.plain import PLAIN
from sockpanel.proxies import Proxies
from sockpanel.sparing import Sparing

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
KEY = re.compile(r"[a-z0-9]{32}")  # the value of the session's cookie
DENIED = 4403  # a refused upgrade has no close frame; the code is for tests and other servers

logger = logging.getLogger(__name__)


class Border:
    """Wraps the whole panel."""

    def __init__(self, inner: Application, own: OwnOrigins, proxies: Proxies, cookie: str) -> None:
        """`cookie`: the name of the session's."""
        self._inner, self._own, self._proxies, self._cookie = inner, own, proxies, cookie
        self._said = Sparing(logger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._inner(scope, receive, send)
        scope = _tidy(self._proxies.read(scope), self._cookie)
        try:
            self._check(scope)
        except SockpanelError as refused:
            self._said.warning("%s (%s, path %s)", refused.message, _client(scope), _cut(scope["path"]))
            return await _refuse(scope, receive, send, refused)
        return await self._inner(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host = _only(scope, b"host")
        if host is None or not self._own.is_host(host):
            raise HostRefused(
                f"The Host header is {_shown(host)}, which is not an address of this panel: "
                "open the address that the start printed, or name the origin in SOCKPANEL_ORIGINS."
            )
        if not scope["path"].startswith("/"):  # `GET http://other/ HTTP/1.1`: of the two names that one would count
            raise HostRefused(f"The request asks for {_shown(scope['path'])}, which is no path: ask for one.")
        if scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS:
            self._check_origin(scope)

    def _check_origin(self, scope: Scope) -> None:
        origins = list(_values(scope, b"origin"))
        is_upgrade = scope["type"] == "websocket"
        if not origins and (is_bearer(scope) or not is_upgrade) and _is_same_site(scope):
            return
        if len(origins) == 1 and self._own.is_origin(origins[0]):
            return
        raise OriginRefused(
            f"The request comes from the origin {_shown(origins[0] if origins else None)}, which is not a page of this panel."
        )


def is_bearer(scope: Scope) -> bool:
    """Whether a request brings a token; such a one has no cookies any more."""
    return any(value[:7].lower() == "bearer " for value in _values(scope, b"authorization"))


def _is_same_site(scope: Scope) -> bool:
    """What a browser says of a request without Origin; other clients say nothing."""
    return all(value in ("same-origin", "none") for value in _values(scope, b"sec-fetch-site"))


def _tidy(scope: Scope, cookie: str) -> Scope:
    """Without the root path, which daphne lets a client choose by a header; without cookies beside a token, or in odd forms."""
    scope = {**scope, "root_path": ""}
    if is_bearer(scope):
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]
    else:
        scope["headers"] = [
            (name, _plain(value, cookie) if name == b"cookie" else value) for name, value in scope["headers"]
        ]
    return scope


def _plain(header: bytes, cookie: str) -> bytes:
    """A Cookie header without those named `cookie` that are not written `name=value`: Django takes blanks and quotes away."""
    parts = header.decode("latin-1").split(";")
    return ";".join(part for part in parts if _is_plain(part, cookie)).encode("latin-1")


def _is_plain(part: str, cookie: str) -> bool:
    name, _, value = part.strip().partition("=")
    return name.strip() != cookie or (name == cookie and KEY.fullmatch(value) is not None)


def _values(scope: Scope, wanted: bytes) -> Iterable[str]:
    return (value.decode("latin-1") for name, value in scope["headers"] if name == wanted)


def _only(scope: Scope, wanted: bytes) -> str | None:
    values = list(_values(scope, wanted))
    return values[0] if len(values) == 1 else None


def _shown(value: str | None) -> str:
    return "missing or there twice" if value is None else _cut(value)


def _cut(text: str) -> str:
    """For the log, which would not know half a token for one."""
    return ascii(clean_text(text)[:200])


def _client(scope: Scope) -> str:
    return str((scope.get("client") or ["unknown"])[0])


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: SockpanelError) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": DENIED})
        return
    body = f"{refused.code} {refused.message}\n".encode()
    status = 400 if isinstance(refused, HostRefused) else 403
    headers = [*PLAIN, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
