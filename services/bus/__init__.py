"""The bus: a Channels layer between the processes of one machine, without a server. docs/bus.md explains it.

CHANNEL_LAYERS = {"default": {"BACKEND": "services.bus.LocalChannelLayer", "CONFIG": {"directory": "/var/lib/panel/bus"}}}
"""

from services.bus.layer import LocalChannelLayer

__all__ = ["LocalChannelLayer"]
