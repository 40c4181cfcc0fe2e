"""Who stands behind a WebSocket: by the session's cookie, or by a Bearer token. Whoever is nobody gets no socket.

@opens("commands.see")                  # an ASGI application behind SignedIn, for people who may do this
async def command(scope, receive, send): ...

A consumer finds `scope["user"]`. That a socket does not outlive its session is the live view's care (sockpanel.live.people).
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import parse_cookie

from services import audit
from sockpanel.accounts.access import may, role_of, token_of, told_of_token, user_of_token
from sockpanel.accounts.models import User
from sockpanel.accounts.sessions import lives

Scope = dict[str, Any]

SIGNED_OUT = 4401  # the close code; before the handshake is done a browser sees 403 instead
NOT_ALLOWED = 4403
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class SignedIn:
    """ASGI middleware: passes WebSockets of known people on, with `user` in the scope; refuses all others (403)."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        user = await database_sync_to_async(identify)(scope)
        if user is None:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": SIGNED_OUT})
            return
        with audit.coming_from("socket", _address(scope)), told_of_token(user):
            await self._inner({**scope, "user": user}, receive, send)


def _address(scope: Scope) -> str:
    return str((scope.get("client") or [""])[0])


def opens(deed: str) -> Callable[[Application], Application]:
    """A WebSocket for people whose role includes `deed`; others are told by the code it is closed with."""

    role_of(deed)

    def decorate(application: Application) -> Application:
        @wraps(application)
        async def guarded(scope: Scope, receive: Any, send: Any) -> None:
            if may(scope["user"], deed):
                return await application(scope, receive, send)
            await receive()  # websocket.connect
            await send({"type": "websocket.accept"})  # a browser is told the code of an open one only
            await send({"type": "websocket.close", "code": NOT_ALLOWED})

        guarded.deeds = {deed}  # type: ignore[attr-defined]
        return guarded

    return decorate


def identify(scope: Scope) -> User | None:
    """The active user that the headers of a handshake name."""
    headers = dict(scope["headers"])
    token = token_of(headers.get(b"authorization", b"").decode("latin-1"))
    if token is not None:
        return user_of_token(token)
    return _by_session(parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(settings.SESSION_COOKIE_NAME))


def _by_session(key: str | None) -> User | None:
    if not key:
        return None
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # it reads nothing but the session
    if not isinstance(user, User) or not user.is_active or not lives(session):
        return None
    if session.modified:
        try:
            session.save()
        except UpdateError:  # signed out a moment ago
            return None
    return user
