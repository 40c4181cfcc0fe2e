"""People, roles and tokens, as a Django app."""

from importlib import import_module

from django.apps import AppConfig


class Accounts(AppConfig):
    name = "sockpanel.accounts"
    label = "accounts"

    def ready(self) -> None:
        import_module("sockpanel.accounts.sessions")  # listens to sign-ins
