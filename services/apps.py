"""What runs, as a Django app."""

from importlib import import_module

from django.apps import AppConfig


class Services(AppConfig):
    name = "services"

    def ready(self) -> None:
        import_module("services.checks")  # registers them; it needs the models
        import_module("services.nuls")  # so do these
