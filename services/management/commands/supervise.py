"""`manage.py supervise`: keep the servers of this node as they are wanted, until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import resource
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from services import databases, lifeline
from services.errors import AlreadySupervised, DatabaseDamaged
from services.management.base import SockpanelCommand
from services.management.signals import stop_event
from services.runtime import Runtime
from services.supervisor.nursery import Nursery
from services.supervisor.supervisor import COMMAND

COLLECT_AFTER = (100_000, 50, 50)  # new objects; collections of the young; of the middle-aged
# Seconds: the recorder's thread must not wait long for the interpreter's lock while the loop is busy
SWITCH_EVERY = 0.0005
# sysexits.h: ends that no restart can help
CODES = {AlreadySupervised: os.EX_TEMPFAIL, DatabaseDamaged: os.EX_CONFIG}


class Command(SockpanelCommand):
    help = "Keep the servers of this node as they are wanted, until SIGTERM or SIGINT."
    needs_databases = False  # it makes them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--node", default=settings.SOCKPANEL_NODE, help="the node to supervise (default: %(default)s)"
        )

    def run(self, options: Mapping[str, Any]) -> None:
        lifeline.follow()
        try:
            databases.prepare()
            _raise_file_limit()
            sys.setswitchinterval(SWITCH_EVERY)
            _collect_seldom()
            asyncio.run(supervise(options["node"]))
        except tuple(CODES) as error:
            self.warn(error.message)
            sys.exit(CODES[type(error)])


def _collect_seldom() -> None:
    """What is there now stays; else the collector would walk it, and all messages on their way, some ten times a second."""
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _raise_file_limit() -> None:
    """Every server takes four descriptors here; the workers inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def supervise(node: str) -> None:
    """Run until a signal asks for the end."""
    with stop_event() as stop:
        await Runtime(settings.SOCKPANEL_DATA_DIR, node, nursery=Nursery(COMMAND)).run(stop)
