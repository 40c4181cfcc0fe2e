"""`manage.py web`: the panel alone, until SIGTERM or SIGINT. The supervisor is another process (`manage.py supervise`)."""

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from django.core.management.base import SystemCheckError
from django.db import connections
from django.utils import timezone

from services import databases, lifeline, panel_address
from sockpanel import greeting, listening, safety
from sockpanel.accounts.models import Session
from sockpanel.management.starting import StartingCommand
from sockpanel.server import PanelServer


class Command(StartingCommand):
    help = "Start the panel alone; servers run where `manage.py supervise` does."

    def run(self, options: Mapping[str, Any]) -> None:
        lifeline.follow()
        safety.check()
        certificate = listening.certificate()
        is_child = listening.VARIABLE in os.environ
        databases.prepare()
        greeting.admit_first_admin()
        self._check()
        Session.objects.filter(expire_date__lt=timezone.now()).delete()
        panel = listening.open_ports()
        if not is_child:
            self.say(greeting.text())
        application = import_module("sockpanel.asgi").application  # reads the settings and addresses as they are now
        connections.close_all()
        with nullcontext() if is_child else panel_address.told(listening.addresses()[0]):  # a parent has told
            PanelServer(application, panel, certificate).run()

    def _check(self) -> None:
        """Django's and our own checks of the configuration: an error ends the command, and its parent."""
        try:
            self.check(display_num_errors=False)
        except SystemCheckError as error:
            self.stderr.write(str(error))
            sys.exit(os.EX_CONFIG)
