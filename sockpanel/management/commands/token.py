"""`manage.py token create USER`: tokens for scripts. A token has the role of its user."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from services.errors import UserUnknown
from services.management.base import SockpanelCommand
from sockpanel.accounts.models import Token, User


class Command(SockpanelCommand):
    help = "Create, list and revoke tokens: Authorization: Bearer TOKEN."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        create = verbs.add_parser("create", help="make a token; it is printed alone on the last line, this once")
        create.add_argument("user")
        create.add_argument("--name", default="", help="what it is for")
        listing = verbs.add_parser("list", help="show a user's tokens")
        listing.add_argument("user")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("user")
        revoke.add_argument("id", type=int, help="its number in the list")

    def run(self, options: Mapping[str, Any]) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise UserUnknown(f"Nobody is named {options['user']!r}: look at the list of users under /admin/.")
        getattr(self, f"_{options['verb']}")(user, options)

    def _create(self, user: User, options: Mapping[str, Any]) -> None:
        token = Token.issue(user, options["name"])
        self.say(f"A token with the role {user.role}, shown this once:")
        self.say(token)

    def _list(self, user: User, options: Mapping[str, Any]) -> None:
        for token in user.tokens.order_by("pk"):
            used = f"last used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
            self.say(f"{token.pk}  {token.name or '(no name)'}  created {token.created_at:%Y-%m-%d %H:%M}  {used}")

    def _revoke(self, user: User, options: Mapping[str, Any]) -> None:
        deleted, _ = user.tokens.filter(pk=options["id"]).delete()
        if not deleted:
            raise UserUnknown(
                f"{user.username} has no token {options['id']}: see manage.py token list {user.username}."
            )
        self.say("Revoked.")
