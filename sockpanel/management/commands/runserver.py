"""`manage.py runserver [addrport]`: the panel for developing it, started again when a source changes.

A supervisor comes along unless one runs, and goes with it. The autoreloader is two processes: the outer one has the supervisor, the
inner one (RUN_MAIN) is the panel.
"""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daphne.management.commands.runserver import Command as DaphneCommand
from daphne.management.commands.runserver import get_default_application
from django.conf import settings
from django.core.management.color import no_style
from django.db import connections
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from services import databases, lifeline, panel_address
from services.errors import BindError, SockpanelError
from services.supervisor import lock
from sockpanel import greeting, listening, safety
from sockpanel.management.starting import code_of
from sockpanel.parent import Child, Parent
from sockpanel.server import PanelServer


class Command(DaphneCommand):
    help = "Start the panel for developing it, and a supervisor unless one runs."

    default_addr = settings.SOCKPANEL_HOST
    default_port = str(settings.SOCKPANEL_PORT)

    def run(self, **options: Any) -> None:
        self.style = no_style()  # the log escapes colours
        try:
            settings.SOCKPANEL_TLS = None  # daphne's runserver has none
            listening.choose(self.addr, self.port)
            safety.check()
            if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
                lifeline.follow()
                super().run(**options)
            else:
                self._run_all(options)
        except SockpanelError as error:
            self.stderr.write(error.message)
            sys.exit(code_of(error))

    def _run_all(self, options: dict[str, Any]) -> None:
        databases.prepare()
        greeting.admit_first_admin()
        for panel in listening.open_ports():  # whoever holds it is named now
            panel.close()
        self.stdout.write(greeting.text())
        connections.close_all()
        tie = lifeline.Lifeline()
        if options["use_reloader"]:
            os.set_inheritable(tie.descriptor, True)
            os.environ.update(tie.environment)
        with panel_address.told(listening.addresses()[0]), _supervised():
            super().run(**options)

    def get_application(self, options: dict[str, Any]) -> Any:
        """Never daphne's handler of static files, which would stand before the border: WhiteNoise finds them."""
        self._panel = self._opened()  # first: the application asks for their addresses
        return get_default_application()

    def _opened(self) -> list[socket.socket]:
        try:
            return listening.open_ports()
        except BindError as error:
            if os.environ.get(DJANGO_AUTORELOAD_ENV) != "true":
                raise
            self.stderr.write(error.message)
            os._exit(code_of(error))  # in a thread: the reloader would wait for a change of the sources

    def server_cls(self, application: Any, endpoints: Any, **options: Any) -> PanelServer:
        """On our own sockets; daphne would open one of its own, at one address."""
        return PanelServer(application, self._panel, **options)


@contextmanager
def _supervised() -> Iterator[None]:
    """With a supervisor, unless somebody else's runs."""
    if lock.holder(settings.SOCKPANEL_DATA_DIR, settings.SOCKPANEL_NODE) is not None:
        yield
        return
    parent = Parent([Child("supervise", [sys.executable, sys.argv[0], "supervise"])])
    thread = threading.Thread(target=parent.run, name="supervise kept")
    thread.start()
    try:
        yield
    finally:
        parent.stop()
        thread.join()
