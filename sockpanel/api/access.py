"""Who may call a route: a deed of the table of permissions; and for a session the CSRF token too. The gate knows who is calling.

A token's request carries no cookie that a foreign page could ride on, so it needs no CSRF token.
"""

from django.http import HttpRequest
from ninja.utils import check_csrf

from services.errors import CsrfRefused
from sockpanel.accounts import access
from sockpanel.accounts.models import User

SAFE = access.SAFE


class Allowed:
    """ninja asks it before each view. Raises SignInNeeded, NotAllowed, CsrfRefused or ConfirmationNeeded."""

    def __init__(self, deed: str) -> None:
        access.role_of(deed)  # a route with another one is not even loaded
        self.deed = deed

    def __call__(self, request: HttpRequest) -> User:
        access.allowed(request.user, self.deed)
        if request.method not in SAFE and check_csrf(request) is not None:
            raise CsrfRefused("The X-CSRFToken header is missing or wrong: load the page again, or use a token.")
        return access.check(request, self.deed)


def who(request: HttpRequest) -> str:
    """The name that stands in the records."""
    return str(request.user.get_username())
