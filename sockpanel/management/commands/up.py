"""`manage.py up`: the whole of Sockpanel, a supervisor and a panel, until Ctrl-C or SIGTERM."""

import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import connections

from services import databases, panel_address
from services.errors import AlreadySupervised
from services.supervisor import lock
from sockpanel import greeting, listening, safety
from sockpanel.management.starting import StartingCommand
from sockpanel.parent import Child, Parent


class Command(StartingCommand):
    help = "Start Sockpanel: a supervisor and the panel, each started again when it dies. Ctrl-C ends both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", help="the address to listen on (default: SOCKPANEL_HOST, else 127.0.0.1)")
        parser.add_argument("--port", help="the port to listen on (default: SOCKPANEL_PORT, else 8000)")

    def run(self, options: Mapping[str, Any]) -> None:
        listening.choose(options["host"], options["port"])
        safety.check()
        listening.certificate()  # one that is none is told before anything is begun
        if (pid := lock.holder(settings.SOCKPANEL_DATA_DIR, settings.SOCKPANEL_NODE)) is not None:
            raise AlreadySupervised(
                f"A supervisor (pid {pid}) already runs on {settings.SOCKPANEL_DATA_DIR}: "
                "stop it, or start the panel alone beside it with manage.py web."
            )
        databases.prepare()
        greeting.admit_first_admin()
        panel = listening.open_ports()
        descriptors = tuple(each.fileno() for each in panel)
        self.say(greeting.text())
        connections.close_all()
        parent = Parent(
            [
                Child("supervise", [sys.executable, sys.argv[0], "supervise"]),
                Child(
                    "web",
                    [sys.executable, sys.argv[0], "web"],
                    pass_fds=descriptors,
                    environment={listening.VARIABLE: ",".join(map(str, descriptors))},
                ),
            ],
            ending=lambda: _close(panel),
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # With nohup it outlives the terminal
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: parent.stop())
        with panel_address.told(listening.addresses()[0]):
            sys.exit(parent.run())


def _close(panel: Iterable[socket.socket]) -> None:
    for each in panel:
        each.close()
