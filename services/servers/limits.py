"""Whether the limits of a server make sense: numbers within bounds, networks that are networks. It knows no other part of a spec."""

import ipaddress

from services.servers.spec import MAX_KEEP_BYTES, Limits

MAX_NETWORKS = 256
# field of the limits -> least, most, and what is said of anything else
_BOUNDS = {
    "connections": (1, 100_000, "A server takes 1 to 100,000 connections at once."),
    "connections_per_source": (1, 100_000, "One source may have 1 to 100,000 connections open; 0 means no limit."),
    "accepts_per_second": (0.1, 100_000, "One source may connect 0.1 to 100,000 times a second; 0 means no limit."),
    "messages_per_second": (
        0.1,
        10_000_000,
        "One source may send 0.1 to 10,000,000 messages a second; 0 means no limit.",
    ),
    "replies_per_source": (0.1, 10_000_000, "One source gets 0.1 to 10,000,000 answers a second; 0 means no limit."),
    "replies_per_second": (0.1, 10_000_000, "A server gives 0.1 to 10,000,000 answers a second; 0 means no limit."),
    "first_byte_timeout": (
        0.1,
        86_400,
        "A new connection may say nothing for 0.1 to 86,400 seconds; 0 means for ever.",
    ),
    "idle_timeout": (0.1, 604_800, "A connection may be silent for 0.1 to 604,800 seconds; 0 means for ever."),
    "frame_timeout": (0.1, 86_400, "A frame that has begun may take 0.1 to 86,400 seconds; 0 means for ever."),
    "write_timeout": (1, 3600, "A peer may leave what we send unread for 1 to 3,600 seconds."),
}
OPTIONAL = frozenset(_BOUNDS) - {"connections", "write_timeout"}  # 0: no limit


def check(limits: Limits, problems: dict[str, str]) -> None:
    """Add a sentence to `problems` for each wrong field (`limits.connections`)."""
    if not 0 <= limits.keep_bytes <= MAX_KEEP_BYTES:
        problems["limits.keep_bytes"] = f"0 to {MAX_KEEP_BYTES:,} bytes are kept of a message."
    for field, (low, high, sentence) in _BOUNDS.items():
        value = getattr(limits, field)
        if not low <= value <= high and (value != 0 or field not in OPTIONAL):
            problems[f"limits.{field}"] = sentence
    for field in ("allow", "deny", "trusted"):
        _networks(f"limits.{field}", getattr(limits, field), problems)


def _networks(field: str, networks: tuple[str, ...], problems: dict[str, str]) -> None:
    if len(networks) > MAX_NETWORKS:
        problems[field] = f"At most {MAX_NETWORKS} networks can be named: join them into larger ones."
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            problems[field] = _no_network(network)


def _no_network(text: str) -> str:
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{text[:64]!r} is no network: write an address or a network such as 10.0.0.0/8 or 2001:db8::/32."
    return f"{text} has bits set behind its prefix: write {meant}, or {text.partition('/')[0]} for the one address."
