"""Scopes of handshakes."""

from typing import Any


def scope(**headers: str) -> dict[str, Any]:
    """A WebSocket's scope with these headers."""
    return {
        "type": "websocket",
        "path": "/ws/panel/",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
