"""What runs, as a Django app."""

from django.apps import AppConfig


class Services(AppConfig):
    name = "services"
