"""Where sessions are kept: Django's own store, but for what a reader of the database finds.

A row's key is the hash of the cookie's value, so that no copy of the database lets anybody in; and beside its data stands, for people,
whose it is, from where, and when it was last seen. `settings.SESSION_ENGINE` names this module.
"""

from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

from sockpanel.accounts.sessions import ADDRESS, BEGUN, BROWSER, SEEN, digest


class Sessions(SessionMiddleware):
    """Leaves a cookie alone that leads to no session: the answer to another request may have brought the browser a new one."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        untouched = not request.session.modified
        response = super().process_response(request, response)
        if untouched:
            response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return response


class SessionStore(db.SessionStore):
    """One session, by the key that its cookie carries."""

    @classmethod
    def get_model_class(cls) -> Any:
        return apps.get_model("accounts", "Session")

    def load(self) -> dict[str, Any]:
        return self._decoded(self._row().first())

    async def aload(self) -> dict[str, Any]:
        return self._decoded(await self._row().afirst())

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(digest(session_key))

    def delete(self, session_key: str | None = None) -> None:
        super().delete(_of(session_key or self.session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        await super().adelete(_of(session_key or self.session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _told(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _told(await super().acreate_model_instance(data), data)

    def _row(self) -> Any:
        return self.get_model_class().living(_of(self.session_key))

    def _decoded(self, row: AbstractBaseSession | None) -> dict[str, Any]:
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)


def _of(key: str | None) -> str:
    """No key has no row: the hash of one is never empty."""
    return digest(key) if key else ""


def _told(row: Any, data: dict[str, Any]) -> AbstractBaseSession:
    """The row of the key's hash, and what people are shown of it."""
    row.session_key = digest(row.session_key)
    row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
    row.address, row.browser = data.get(ADDRESS, ""), data.get(BROWSER, "")
    row.begun_at, row.seen_at = _time(data.get(BEGUN)), _time(data.get(SEEN))
    return row


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
