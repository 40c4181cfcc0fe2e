"""What people do with their own account: password, sessions, tokens, looks. It knows no page.

own.change_password(request, "the old one", "the new one")
"""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect

from services import audit
from services.errors import ConfigurationRefused, PasswordWrong, SessionGone
from sockpanel.accounts import confirming, sessions
from sockpanel.accounts.models import Session, Token, User, digest_of

MOST_TOKENS = 100
DAYS = (30, 90, 365)  # what the page offers; 0: never


def change_password(request: HttpRequest, user: User, current: str, new: str, *, revoke: bool = False) -> None:
    """This session goes on, all others end; tokens stay unless `revoke` says otherwise.

    Raises ConfigurationRefused with a sentence for each field, or TooManyAttempts.
    """
    try:
        confirming.prove(request, current)
    except PasswordWrong as error:
        raise ConfigurationRefused(error.message, field="current") from None
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise ConfigurationRefused(" ".join(error.messages), field="password") from None
    user.password = make_password(new)  # it takes a while, and nobody has to wait for it
    with transaction.atomic():
        user.save(update_fields=["password"])
        revoked = _revoke_all(user) if revoke else []
        audit.record("user.password", user.username)
        for name in revoked:
            audit.record("token.revoke", user.username, what=name)
    update_session_auth_hash(request, user)


def _revoke_all(user: User) -> list[str]:
    """Every token of theirs; their names."""
    names = list(user.tokens.order_by("pk").values_list("name", flat=True))
    user.tokens.all().delete()
    return names


def current_session(request: HttpRequest) -> str:
    """By which the list of sessions knows this one; empty for a token's request."""
    return sessions.digest(request.session.session_key) if request.session.session_key else ""


def open_sessions(user: User) -> QuerySet[Session]:
    """Those that live, the last seen first."""
    return sessions.open_ones().filter(user=user).order_by("-seen_at")


def end_session(user: User, which: str) -> None:
    """Sign out one browser. Raises SessionGone."""
    with transaction.atomic():
        found = Session.objects.filter(user=user, pk=which).first()
        if found is None:
            raise SessionGone("This session has ended already: load the list again.")
        found.delete()
        audit.record("session.end", user.username, what=f"{found.address} {found.browser}")


def end_every_session(user: User) -> None:
    """Sign out everywhere, here too."""
    with transaction.atomic():
        Session.objects.filter(user=user).delete()
        audit.record("session.end", user.username, what="everywhere")


def leave(request: HttpRequest) -> HttpResponseRedirect | None:
    """To the sign-in page, where what was just done has ended this session too."""
    here = current_session(request)
    if not here or Session.objects.filter(pk=here).exists():
        return None
    list(messages.get_messages(request))  # what was to be told goes too: it would begin a session for nobody
    request.session.flush()
    return HttpResponseRedirect(settings.LOGIN_URL)


def create_token(user: User, name: str, scope: str, days: int) -> str:
    """A new one, told once; `days` 0: it never ends. Raises ConfigurationRefused."""
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise ConfigurationRefused("Give the token a name of up to 64 characters: what it is for.", field="name")
    if not 0 <= days <= Token.MAX_DAYS:
        raise ConfigurationRefused(f"A token lasts 1 to {Token.MAX_DAYS} days; 0: for ever.", field="days")
    if user.tokens.count() >= MOST_TOKENS:
        raise ConfigurationRefused(f"You have {MOST_TOKENS} tokens already: revoke one first.", field="name")
    with transaction.atomic():
        secret = Token.issue(user, name, scope=scope, lasts=timedelta(days=days) if days else None)
        audit.record("token.create", user.username, what=name, new={"scope": scope or user.role, "days": days})
    return secret


def token_of(user: User, secret: str) -> Token:
    """The row of a token that was just made."""
    return user.tokens.get(digest=digest_of(secret))


def revoke_token(user: User, number: int) -> None:
    """Its scripts are let in no more. Raises SessionGone."""
    with transaction.atomic():
        token = user.tokens.filter(pk=number).first()
        if token is None:
            raise SessionGone("This token was revoked already: load the list again.")
        token.delete()
        audit.record("token.revoke", user.username, what=token.name)


def change_looks(user: User, wanted: Mapping[str, str]) -> None:
    """Theme and language, of which a missing one stays. Raises ConfigurationRefused."""
    choices = {"theme": User.Theme.values, "language": ["", *(code for code, _ in settings.LANGUAGES)]}
    for field, value in wanted.items():
        if value not in choices[field]:
            named = ", ".join(repr(each) for each in choices[field])
            raise ConfigurationRefused(f"The {field} is one of {named}.", field=field)
        setattr(user, field, value)
    user.save(update_fields=list(wanted))
