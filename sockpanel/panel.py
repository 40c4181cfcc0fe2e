"""The panel as a Django app."""

from importlib import import_module

from django.apps import AppConfig


class Panel(AppConfig):
    name = "sockpanel"

    def ready(self) -> None:
        import_module("sockpanel.checks")  # registers them
