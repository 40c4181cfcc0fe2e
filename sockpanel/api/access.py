"""Who may call a route: the role, and for a session the CSRF token too. Who is calling was found out at the gate.

A token's request carries no cookie that a foreign page could ride on, so it needs no CSRF token.
"""

from django.http import HttpRequest
from ninja.utils import check_csrf

from services.errors import CsrfRefused
from sockpanel.accounts import access
from sockpanel.accounts.models import User

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Role:
    """ninja asks it before each view. Raises SignInNeeded, NotAllowed or CsrfRefused."""

    def __init__(self, role: User.Role) -> None:
        self.role = role

    def __call__(self, request: HttpRequest) -> User:
        user = access.check(request.user, self.role)
        if request.method not in SAFE and check_csrf(request) is not None:
            raise CsrfRefused("The X-CSRFToken header is missing or wrong: load the page again, or use a token.")
        return user


VIEWER, OPERATOR, ADMIN = Role(User.Role.VIEWER), Role(User.Role.OPERATOR), Role(User.Role.ADMIN)


def who(request: HttpRequest) -> str:
    """The name that stands in the records."""
    return str(request.user.get_username())
