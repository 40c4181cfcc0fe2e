"""Who is at a WebSocket, and whether he may still be there: one look for all sockets. `to_close` runs in the reader's thread.

Who may in is decided before, by accounts.sockets.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, cast

import msgspec
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from sockpanel.accounts import conversations
from sockpanel.accounts.access import token_of
from sockpanel.accounts.models import Session, Token, User, digest_of
from sockpanel.accounts.sessions import digest, lives
from sockpanel.live import wire


class Person(msgspec.Struct, frozen=True):
    """Someone at a socket, by one session or one token."""

    user: int
    role: str  # the one that counts: of a token its scope, where that is lower
    session: str = ""
    proof: str = ""  # a hash of the password: another password, another proof
    token: str = ""  # its digest


def of(scope: dict[str, Any]) -> Person:
    """Who opened the WebSocket of this scope."""
    user: User = scope["user"]
    headers = dict(scope["headers"])
    token = token_of(headers.get(b"authorization", b"").decode("latin-1"))
    if token is not None:
        return Person(user.pk, user.rank, token=digest_of(token))
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    session = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return Person(user.pk, user.rank, session=session, proof=user.get_session_auth_hash())


def to_close(people: Iterable[Person]) -> dict[Person, int]:
    """Those whose session, token, account or role has ended, and the code to close with. Also the sign of life of their pages."""
    people = set(people)
    users = User.objects.in_bulk({person.user for person in people})
    sessions = _living({person.session for person in people if person.session})
    digests = {person.token for person in people if person.token}
    tokens = set(Token.living().filter(digest__in=digests).values_list("digest", flat=True)) if digests else set()
    codes = {person: _judge(person, users.get(person.user), sessions | tokens) for person in people}
    return {person: code for person, code in codes.items() if code is not None}


def hidden(followed: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of these roles and servers (by id) where the role does not see what the server recorded."""
    servers: dict[str, set[int]] = {}
    for role, server in followed:
        servers.setdefault(role, set()).add(server)
    return {(role, server) for role, ids in servers.items() for server in conversations.hidden(role, ids)}


def _judge(person: Person, user: User | None, keys: set[str]) -> int | None:
    if user is None or not user.is_active or (person.session or person.token) not in keys:
        return wire.SIGNED_OUT
    if person.session and not constant_time_compare(person.proof, user.get_session_auth_hash()):
        return wire.SIGNED_OUT
    return None if user.may(person.role) else wire.NOT_ALLOWED


def _living(keys: set[str]) -> set[str]:
    rows = Session.living(*map(digest, keys)).in_bulk() if keys else {}
    return {key for key in keys if (row := rows.get(digest(key))) and _lives(row, key)}


def _lives(row: Session, key: str) -> bool:
    """Whether the session goes on; where it is time for a sign of life, that is written."""
    data = row.get_decoded()
    before = dict(data)
    if not lives(cast(SessionBase, data)):
        return False
    if data != before:
        session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        lives(session)
        try:
            session.save(must_create=False)
        except UpdateError:  # signed out a moment ago
            return False
    return True
