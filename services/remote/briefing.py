"""What a remote-command server's worker must know beside its spec: the server's own key, whom it lets in, as whom commands run."""

import os

from django.conf import settings

from services.models import Key, Server
from services.remote import files
from services.servers import report
from services.servers.report import Briefing

PANEL_NAME = "the panel"


class Briefer:
    """The keys as they stand now: for all servers of one look. Raises KeyRefused when the panel's own cannot be used."""

    def __init__(self) -> None:
        self._panel = report.Key(public=files.panel_public(), name=PANEL_NAME, shell=True, panel=True)
        self._keys = list(Key.objects.all())

    def of(self, server: Server) -> Briefing:
        """Raises KeyRefused when the server's key file cannot be used."""
        keys = (_told(key) for key in self._keys if not key.servers or server.name in key.servers)
        return Briefing(
            identity=files.server_identity(server.pk),
            keys=(self._panel, *keys),
            user=settings.SOCKPANEL_COMMAND_USER if os.geteuid() == 0 else None,
            hidden=str(settings.SOCKPANEL_DATA_DIR),
        )


def briefing_for(server: Server) -> Briefing:
    """Raises KeyRefused."""
    return Briefer().of(server)


def _told(key: Key) -> report.Key:
    return report.Key(
        public=bytes.fromhex(key.public),
        name=key.name,
        commands=None if key.commands is None else tuple(key.commands),
        sources=tuple(key.sources),
        expires_at=None if key.expires_at is None else int(key.expires_at.timestamp() * 1_000_000),
        shell=key.shell,
        revoked=key.revoked_at is not None,
    )
