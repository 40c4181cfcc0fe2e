"""People, roles and tokens, as a Django app."""

from importlib import import_module

from django.apps import AppConfig


class Accounts(AppConfig):
    name = "sockpanel.accounts"
    label = "accounts"

    def ready(self) -> None:
        # They listen to sign-ins, to changes of people, and to what comes to servers
        for listener in ("confirming", "ending", "entries", "invitations", "locking", "sessions"):
            import_module(f"sockpanel.accounts.{listener}")
