"""Names of channels, groups and endpoints, and what a channel's name says about who reads it. No I/O.

An endpoint is one event loop that uses the layer. `new_channel` puts the endpoint's own random name before the `!`, so whoever
sends to a process-specific channel knows whose socket it is: `specific.bus-3f9c0a1b2c3d4e5f6071!9a8b7c6d5e4f3021`.
"""

import re
import secrets

MAX_NAME = 100  # bytes; "at least 100" asks the specification

CHANNEL = re.compile(r"[a-zA-Z0-9\-_.]+(![a-zA-Z0-9\-_.]*)?", re.ASCII)
GROUP = re.compile(r"[a-zA-Z0-9\-_.]+", re.ASCII)
ENDPOINT = re.compile(r"bus-[0-9a-f]{20}", re.ASCII)
_OWNED = re.compile(r".*(bus-[0-9a-f]{20})!", re.ASCII)


def new_endpoint() -> str:
    """A name that no other event loop ever has or had, on this machine or after a restart of it."""
    return f"bus-{secrets.token_hex(10)}"


def new_channel(prefix: str, endpoint: str) -> str:
    return f"{prefix}{endpoint}!{secrets.token_hex(8)}"


def non_local(channel: str) -> str:
    """The part up to and including `!`; all of it where there is none."""
    return channel[: channel.index("!") + 1] if "!" in channel else channel


def local_part(channel: str) -> str:
    """What follows the `!`; empty where there is none."""
    return channel.partition("!")[2]


def owner(channel: str) -> str | None:
    """The endpoint that reads it; None for a channel that any process may read."""
    found = _OWNED.match(channel)
    return found[1] if found else None
