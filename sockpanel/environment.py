"""Settings come from the environment, each read by one typed function that refuses what makes no sense.

It knows no Django. A refusal names the variable, its value and what is allowed.
"""

import ipaddress
import os
import pwd
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from services.errors import SettingRefused

WIDEST = {4: 8, 6: 16}  # bits of a network of proxies at the least; private ones of IPv6 may have any
_PRIVATE = ipaddress.IPv6Network("fc00::/7")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?"
)
_SIZE = re.compile(r"(?P<number>[0-9]{1,19}) ?(?P<unit>[KMGT]iB)?")
_UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

# libpq's words, each overridden by the URL's own: a server that vanished without a word is noticed within some 10 s
NOTICES_SILENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def refuse(name: str, value: str, allowed: str) -> SettingRefused:
    return SettingRefused(f"{name} is {value!r}: it takes {allowed}.")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    value = text(name).lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise refuse(name, value, "1 or 0")


def port(name: str, default: int) -> int:
    return as_port(name, text(name, str(default)))


def as_port(name: str, value: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", value) and 1 <= int(value) <= 65_535:
        return int(value)
    raise refuse(name, value, "a whole number from 1 to 65535")


def address(name: str, default: str) -> str:
    return as_address(name, text(name, default))


def as_address(name: str, value: str) -> str:
    if value == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise refuse(name, value, "an IPv4 or IPv6 address, such as 127.0.0.1 or ::1") from None


def is_loopback(value: str) -> bool:
    return ipaddress.ip_address(value).is_loopback


def size(name: str, default: str, least: int) -> int:
    """Bytes: a whole number, with KiB, MiB, GiB or TiB behind it or without; 0 or at least so many."""
    value = text(name, default)
    match = _SIZE.fullmatch(value)
    found = int(match["number"]) * _UNITS[match["unit"] or ""] if match else -1
    if found == 0 or least <= found < 2**63:
        return found
    raise refuse(
        name, value, f"0 (no bound) or bytes, {least // _UNITS['MiB']}MiB at the least, such as 500MiB or 20GiB"
    )


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value in allowed:
        return value
    raise refuse(name, value, " or ".join(allowed))


def command_user(name: str, default: tuple[int, int]) -> tuple[int, int]:
    """uid and gid that remote commands run as where Sockpanel runs as root: a user's name, `uid` or `uid:gid`; never root's."""
    value = text(name)
    if not value:
        return default
    if re.fullmatch(r"[0-9]{1,9}(:[0-9]{1,9})?", value):
        uid, _, gid = value.partition(":")
        found = int(uid), int(gid or uid)
    else:
        try:
            user = pwd.getpwnam(value)
        except (KeyError, ValueError):
            raise refuse(name, value, "a user of this machine, a uid, or uid:gid") from None
        found = user.pw_uid, user.pw_gid
    if 0 in found:
        raise refuse(name, value, "a user and a group other than root")
    return found


def slug(name: str, default: str) -> str:
    value = text(name, default)
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", value):
        return value
    raise refuse(name, value, "1 to 63 small letters, digits, - or _")


def words(name: str) -> list[str]:
    return text(name).replace(",", " ").split()


def origins(name: str) -> list[str]:
    """Origins as browsers write them: small letters, without the port where it is the scheme's own."""
    found = []
    for value in words(name):
        match = _ORIGIN.fullmatch(value.lower())
        if match is None or not 1 <= int(match["port"] or 1) <= 65_535:
            raise refuse(name, value, "origins such as https://panel.example.org:8443, without a path")
        found.append(value.lower().removesuffix(":443" if match["scheme"] == "https" else ":80"))
    return found


def networks(name: str) -> list[Network]:
    found: list[Network] = []
    for value in words(name):
        try:
            found.append(ipaddress.ip_network(value))
        except ValueError:
            raise refuse(name, value, "networks in CIDR form, such as 10.0.0.0/8") from None
    return found


def proxies(name: str) -> list[Network]:
    found = networks(name)
    for network in found:
        if _holds_strangers(network):
            raise refuse(
                name,
                str(network),
                "the addresses of your own proxies, for whoever is in them may say that he is anybody: "
                f"/{WIDEST[4]} or narrower, /{WIDEST[6]} for IPv6",
            )
    return found


def _holds_strangers(network: Network) -> bool:
    """Whether it is so wide that it cannot be anybody's own."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_PRIVATE):
        return False
    return network.prefixlen < WIDEST[network.version]


def tls(certificate: str, key: str) -> tuple[str, str] | None:
    """The paths of certificate and key, both or none."""
    paths = text(certificate), text(key)
    if not any(paths):
        return None
    for name, path in zip((certificate, key), paths, strict=True):
        if not os.access(path, os.R_OK):
            raise refuse(name, path, f"a readable PEM file, given together with {certificate} and {key}")
    return paths


def sqlite(path: Path) -> dict[str, object]:
    """SQLite for one writer and many readers."""
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=FAST",  # Debian's SQLite would write zeros over all that is pruned: as much as came in, once more
        "foreign_keys=ON",
        "wal_autocheckpoint=4000",  # pages: 16 MiB of log before it is copied into the database
        "journal_size_limit=67108864",  # a log that a long reading let grow becomes small again
    )
    return {
        "ENGINE": "services.sqlite",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "".join(f"PRAGMA {pragma};" for pragma in pragmas),
        },
    }


def postgresql(name: str, url: str) -> dict[str, object]:
    """`postgresql://user:password@host:port/name?option=value` as Django wants it."""
    parts = _parts(name, url, ("postgres", "postgresql"), "postgresql://user:password@host:port/name")
    if not parts.path.strip("/"):
        raise refuse(name, "***", "postgresql://user:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "OPTIONS": NOTICES_SILENCE | dict(parse_qsl(parts.query)),
        "CONN_HEALTH_CHECKS": True,
    }


def redis(name: str) -> str:
    """The address of a Redis server; empty where none is named."""
    url = text(name)
    if url:
        _parts(name, url, ("redis", "rediss", "unix"), "redis://user:password@host:port/number")
    return url


def _parts(name: str, url: str, schemes: tuple[str, ...], form: str) -> SplitResult:
    """The URL taken apart. Nothing of it is ever told, for a password that needs %-escapes and has none may stand anywhere."""
    try:
        parts = urlsplit(url)
        if parts.scheme in schemes and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise refuse(name, "***", f"{form} with what is special in a password written as %XX")
