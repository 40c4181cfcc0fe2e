"""`manage.py client command`: run a command on a remote-command server, with its output and its exit status for ours."""

import argparse
import asyncio
import os
import re
import stat
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from services import numbers, terminal
from services.client.commands import WITHIN, Exit, Output, Running, Target, connect
from services.errors import CommandInterrupted, KeyRefused
from services.management.base import FAILED, INTERRUPTED, who
from services.management.signals import stop_event
from services.remote import files

_KEPT_BYTES = 16 * 1024 * 1024  # of stdout and stderr each, for --json
_END_WITHIN = 5.0  # seconds after Ctrl-C
_KEY_BYTES = 64 * 1024  # a file that is longer is no key


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is told of the server, the key and the command."""
    parser.add_argument("host", metavar="HOST", help="a name or an address")
    parser.add_argument("port", metavar="PORT", type=numbers.argument)
    parser.add_argument(
        "argv", metavar="ARGV", nargs="+", help="behind --: an allowed command and its arguments, such as -- uname -s"
    )
    parser.add_argument("--key", metavar="FILE", help="an Ed25519 private key (PEM); the panel's own")
    parser.add_argument(
        "--server-key", metavar="HEX", type=_public, help="the server's public key; not needed on this machine"
    )
    parser.add_argument("--shell", action="store_true", help="ARGV is a free command line, for the server's own shell")
    parser.add_argument("--tls", action="store_true", help="HOST is this machine's end of a forwarded port")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object at the end; bytes are base64")
    output.add_argument(
        "--raw",
        action="store_true",
        help="let the output act on this terminal; a pipe or a file gets it as it is anyway",
    )


def _public(text: str) -> bytes:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("a server's public key has 64 hex digits")
    return bytes.fromhex(text)


def run(options: Mapping[str, Any]) -> tuple[int, str]:
    """Our exit status, and what is to be said on stderr. Raises SockpanelError when the command does not run to its end."""
    private = private_key(options["key"]) if options["key"] else files.panel_key()
    target = Target(options["host"], options["port"], options["server_key"], options["tls"] or None)
    words = {"shell": " ".join(options["argv"])} if options["shell"] else {"argv": options["argv"]}
    if not options["key"]:
        words["who"] = who()  # a server of this panel writes it down
    sink: Kept | Streams = Kept() if options["json"] else Streams(options["raw"])
    ended, interrupted = asyncio.run(_run(target, private, words, sink))
    if isinstance(sink, Streams):
        sink.close()
    else:
        terminal.write_raw(terminal.line(terminal.as_json(sink.told(ended))))
    return INTERRUPTED if interrupted else status(ended), ended.why


def status(ended: Exit) -> int:
    """As a shell reports it."""
    if ended.signal is not None:
        return 128 + ended.signal
    return FAILED if ended.code is None else ended.code


async def _run(target: Target, private: Ed25519PrivateKey, words: dict[str, Any], sink: "Sink") -> tuple[Exit, bool]:
    """How it ended, and whether Ctrl-C had a part in it."""
    async with connect(target, private, within=WITHIN) as session:
        with stop_event() as stop:
            async with session.run(**words) as running:
                return await _followed(running, stop, sink), stop.is_set()


async def _followed(running: Running, stop: asyncio.Event, sink: "Sink") -> Exit:
    taking = asyncio.create_task(_take(running, sink), name="command-output")
    stopping = asyncio.create_task(stop.wait(), name="command-stop")
    try:
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done():
            running.cancel()
            await asyncio.wait({taking}, timeout=_END_WITHIN)
        if not taking.done():
            raise CommandInterrupted(
                f"The server did not tell the command's end within {_END_WITHIN:g} s, so the connection was closed, which ends it."
            )
        return taking.result()
    finally:
        taking.cancel()
        stopping.cancel()
        await asyncio.gather(taking, stopping, return_exceptions=True)


async def _take(running: Running, sink: "Sink") -> Exit:
    async for event in running:
        if isinstance(event, Output):
            await sink.write(event)
        elif isinstance(event, Exit):
            return event
    raise CommandInterrupted("The command's end was not told: look at the server's page.")


class Sink(Protocol):
    """Where the output goes."""

    async def write(self, output: Output) -> None:
        """Take it, as fast as it can be taken: meanwhile no more is read."""


class Streams:
    """Our own stdout and stderr. A pipe that nobody reads holds up neither Ctrl-C nor the loop.

    A pipe or a file gets the output byte for byte; a terminal gets it visible, for it would obey it.
    """

    def __init__(self, raw: bool) -> None:
        sys.stdout.flush()
        self._streams = {1: sys.stdout, 2: sys.stderr}
        self._screens = {
            number: terminal.Screen() for number, stream in self._streams.items() if stream.isatty() and not raw
        }

    async def write(self, output: Output) -> None:
        await asyncio.to_thread(self._write, output.stream, output.data)

    def close(self) -> None:
        """What was held back of a character that never became whole."""
        for number in self._screens:
            self._write(number, b"", last=True)

    def _write(self, number: int, data: bytes, last: bool = False) -> None:
        stream, screen = self._streams[number], self._screens.get(number)
        if screen is not None:
            data = screen.shown(data, last).encode(stream.encoding, "backslashreplace")
        stream.buffer.write(data)
        stream.buffer.flush()


class Kept:
    """The beginning of both, for the JSON at the end."""

    def __init__(self) -> None:
        self._kept = {1: bytearray(), 2: bytearray()}
        self._cut = False

    async def write(self, output: Output) -> None:
        kept = self._kept[output.stream]
        kept += output.data[: _KEPT_BYTES - len(kept)]
        self._cut = self._cut or len(kept) == _KEPT_BYTES

    def told(self, ended: Exit) -> dict[str, Any]:
        """As the API tells a command."""
        return {
            "exit_code": ended.code,
            "signal": ended.signal,
            "stdout": bytes(self._kept[1]),
            "stderr": bytes(self._kept[2]),
            "seconds": ended.seconds,
            "truncated": ended.truncated or self._cut,
            "why": ended.why,
        }


def private_key(path: str) -> Ed25519PrivateKey:
    """The Ed25519 private key in a PEM file (PKCS #8 or OpenSSH). Raises KeyRefused."""
    text = _read(os.path.expanduser(path), path)
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in text else load_pem_private_key
    try:
        found = load(text, password=None)
    except TypeError:
        raise KeyRefused(
            f"{path} is encrypted, and nobody is asked for its passphrase here: use a key without one.", field="key"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused(
            f"{path} is no private key in PEM: make one with ssh-keygen -t ed25519.", field="key"
        ) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyRefused(f"{path} is no Ed25519 key: make one with ssh-keygen -t ed25519.", field="key")
    return found


def _read(path: str, shown: str) -> bytes:
    """A file that nobody but its owner may read. Raises KeyRefused."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_KEY_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise KeyRefused(f"{shown} cannot be read ({reason}): check the path.", field="key") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRefused(
            f"{shown} is open to other users (mode {mode & 0o777:o}): chmod 600 it, then make a new key if somebody may have read it.",
            field="key",
        )
    return text
