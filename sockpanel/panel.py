"""The panel as a Django app."""

from django.apps import AppConfig


class Panel(AppConfig):
    name = "sockpanel"
