"""What opens the panel and came to a server of it: the session ends, the token is gone, and the person is told why.

A browser hands its cookies to every server on the panel's host, whatever the port. Where the session was, nothing is left that a
request under way could bring back to life; why it ended stands in a row of its own, under a name that only its old key leads to.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from services import audit, exposure
from services.models import Server
from services.servers.report import Exposed
from sockpanel.accounts.models import Session, Token
from sockpanel.accounts.sessions import digest

TOLD_FOR = timedelta(hours=24)
_WHY = "ended_because"


@receiver(exposure.came)
def end(exposed: list[Exposed], at: str, server: Server | None, **_: object) -> list[str]:
    """End what these open. A sentence for each that was alive."""
    with transaction.atomic():
        sessions, tokens = _sessions(exposed), _tokens(exposed)
        _end(sessions, tokens, at)
        return [*_told_of_sessions(sessions, at, server), *_told_of_tokens(tokens, at, server)]


def explain(request: HttpRequest) -> str:
    """Why the session ended whose cookie this request still brings; it is remembered until somebody signs in. Empty for others."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return ""
    if _WHY not in request.session and (word := Session.living(_place(digest(key))).first()):
        request.session[_WHY] = word.get_decoded().get(_WHY, "")
    return str(request.session.get(_WHY, ""))


@receiver(user_logged_in)
def forget(request: HttpRequest, **_: object) -> None:
    """Whoever has signed in again has read it."""
    request.session.pop(_WHY, None)


def _sessions(exposed: Iterable[Exposed]) -> list[tuple[Session, Exposed]]:
    """Those that live, each with how it came."""
    came = {one.digest.hex(): one for one in exposed if one.kind == "session"}
    return [(found, came[found.pk]) for found in Session.living(*came).select_related("user")] if came else []


def _tokens(exposed: Iterable[Exposed]) -> list[tuple[Token, Exposed]]:
    came = {one.digest.hex(): one for one in exposed if one.kind == "token"}
    found = Token.objects.select_related("user").filter(digest__in=came) if came else ()
    return [(token, came[token.digest]) for token in found]


def _end(sessions: list[tuple[Session, Exposed]], tokens: list[tuple[Token, Exposed]], at: str) -> None:
    """All of them before the first entry of the audit, for from then on others may be waiting for us."""
    Session.objects.filter(pk__in=[session.pk for session, _ in sessions]).delete()
    Token.objects.filter(pk__in=[token.pk for token, _ in tokens]).delete()
    for session, one in sessions:
        if why := _why(session, one, at):
            _leave_word(session.pk, why)


def _why(session: Session, one: Exposed, at: str) -> str:
    """Of a browser that waits at the sign-in page, and hands over that key, too, what it is told already."""
    if session.user is None:
        return str(session.get_decoded().get(_WHY, ""))
    return _why_by_output(at) if one.is_output else _why_by_browser(at)


def _told_of_sessions(sessions: list[tuple[Session, Exposed]], at: str, server: Server | None) -> Iterator[str]:
    for session, one in sessions:
        if session.user is not None:
            user = session.user.username
            sender = f"A command of {one.peer} wrote" if one.is_output else f"A browser at {one.peer} sent"
            audit.record("session.exposed", user, server=server or "", what=_came(one, at))
            yield f"{sender} the key of the session of {user} here: the session has ended."


def _told_of_tokens(tokens: list[tuple[Token, Exposed]], at: str, server: Server | None) -> Iterator[str]:
    for token, one in tokens:
        user, name = token.user.username, token.name or f"number {token.pk}"
        sender = f"A command of {one.peer} wrote" if one.is_output else f"{one.peer} sent"
        audit.record("token.exposed", user, server=server or "", what=f"token {name} {_came(one, at)}")
        yield f"{sender} the token {name} of {user} here: the token is revoked."


def _came(one: Exposed, at: str) -> str:
    return f"written by a command of {one.peer} at {at}" if one.is_output else f"came from {one.peer} to {at}"


def _why_by_browser(at: str) -> str:
    return (
        f"Your session has ended: your browser sent its key to {at}, for cookies go to every port of a host. It was not stored there. "
        "Open servers by another name than the panel, such as 127.0.0.1 for one and localhost for the other."
    )


def _why_by_output(at: str) -> str:
    return (
        f"Your session has ended: its key stood in what a command wrote at {at}, so others may have read it there. "
        "It was not stored here. Sign in again, and find out how that program got it."
    )


def _leave_word(known_by: str, why: str) -> None:
    data = Session.get_session_store_class()().encode({_WHY: why})
    Session.objects.update_or_create(
        pk=_place(known_by), defaults={"session_data": data, "expire_date": timezone.now() + TOLD_FOR}
    )


def _place(known_by: str) -> str:
    """Where it is written why a session ended: under a key that no cookie has, for it is no hash."""
    return f"ended {known_by}"[:64]
