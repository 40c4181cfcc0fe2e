"""`manage.py token create USER`: tokens for scripts. A token may what its scope says, and never more than its user."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services import audit, numbers, terminal
from services.errors import UserUnknown
from services.management.base import SockpanelCommand, who
from sockpanel.accounts.models import Token, User, digest_of


class Command(SockpanelCommand):
    help = "Create, list and revoke tokens: Authorization: Bearer TOKEN."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        create = verbs.add_parser("create", help="make a token; it is printed alone on the last line, this once")
        create.add_argument("user")
        create.add_argument("--name", default="", help="what it is for")
        create.add_argument(
            "--scope", choices=User.Role.values, help="the role it has at most; the user's own, if not given"
        )
        create.add_argument(
            "--days",
            type=_days,
            default=Token.LASTS.days,
            metavar="N",
            help=f"it ends after so many; 0: never; {Token.LASTS.days}",
        )
        listing = verbs.add_parser("list", help="show a user's tokens")
        listing.add_argument("user")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("user")
        revoke.add_argument("id", type=numbers.argument, help="its number in the list")

    def run(self, options: Mapping[str, Any]) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise UserUnknown(f"Nobody is named {options['user']!r}: look at the list of users, /users/.")
        getattr(self, f"_{options['verb']}")(user, options)

    def _create(self, user: User, options: Mapping[str, Any]) -> None:
        lasts = timedelta(days=options["days"]) or None
        with transaction.atomic():
            token = Token.issue(user, options["name"], scope=options["scope"] or "", lasts=lasts)
            row = Token.objects.get(digest=digest_of(token))
            audit.record("token.create", who(), what=_what(row), new={"scope": row.scope, "ends": _end(row)})
        self.say(f"A token with the scope {row.scope}, which {_end(row)}; shown this once:")
        self.say(token)

    def _list(self, user: User, options: Mapping[str, Any]) -> None:
        for token in user.tokens.order_by("pk"):
            used = f"last used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
            name = terminal.plain(token.name) or "(no name)"
            self.say(
                f"{token.pk}  {name}  {token.scope}  created {token.created_at:%Y-%m-%d %H:%M}  {used}  {_end(token)}"
            )

    def _revoke(self, user: User, options: Mapping[str, Any]) -> None:
        token = user.tokens.filter(pk=options["id"]).first()
        if token is None:
            raise UserUnknown(
                f"{user.username} has no token {options['id']}: see manage.py token list {user.username}."
            )
        with transaction.atomic():
            what = _what(token)
            token.delete()
            audit.record("token.revoke", who(), what=what)
        self.say("Revoked.")


def _days(text: str) -> int:
    days = numbers.whole(text)
    if days is None or days > Token.MAX_DAYS:
        raise ArgumentTypeError(f"a number of days from 1 to {Token.MAX_DAYS:,}, or 0 for a token that never ends")
    return days


def _what(token: Token) -> str:
    return f"{token.user.username}, number {token.pk}" + (f" ({token.name})" if token.name else "")


def _end(token: Token) -> str:
    if token.expires_at is None:
        return "never ends"
    return f"{'ended' if token.expires_at <= timezone.now() else 'ends'} {token.expires_at:%Y-%m-%d %H:%M}"
