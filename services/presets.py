"""The presets: servers that people know from textbooks, ready to run. The pages, the API and the command line read this one table.

It knows no database. A preset's `server` is what `configuration.complete` and `validation.build` take, but for the name.

    spec = validation.build({"name": "lab", **PRESETS["echo"].server})
"""

from typing import Any

import msgspec

from services.allow_list import COMMANDS

_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here; what listens on all is tried on this one


class Preset(msgspec.Struct, frozen=True):
    """A server to start from."""

    name: str
    title: str
    explains: str  # what goes over the wire, and what to watch for
    try_line: str  # a shell line with {host} and {port}
    server: dict[str, Any]  # the fields of a server, without a name

    def try_at(self, host: str, port: int) -> str:
        """The line that tries a server made from this preset, for the address that it has in truth."""
        return self.try_line.format(host=_ALL.get(host, host), port=port)


def _tcp(port: int, reply: dict[str, Any], host: str = "127.0.0.1") -> dict[str, Any]:
    return {"kind": "tcp", "transport": "tcp", "host": host, "port": port, "reply": reply}


def _udp(port: int, reply: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "udp", "transport": "udp", "host": "127.0.0.1", "port": port, "reply": reply}


_TABLE = (
    Preset(
        name="echo",
        title="TCP echo",
        explains="Sends every byte back as it came, on as many connections at once as people open. What a client sends "
        "and what it gets must be equal; where they differ, the fault is on the client's side.",
        try_line="printf 'abc' | nc -N {host} {port}",
        server=_tcp(8007, {"type": "echo"}),
    ),
    Preset(
        name="upper",
        title="TCP upper case",
        explains="Answers each piece it reads with its ASCII letters in upper case; a connection may send many. TCP keeps "
        "bytes, not messages: two quick sends may arrive, and be answered, as one.",
        try_line="printf 'hello' | nc -N {host} {port}",
        server=_tcp(8081, {"type": "upper"}),
    ),
    Preset(
        name="upper-udp",
        title="UDP upper case",
        explains="Answers each datagram with one in upper case. Datagrams stay apart, but may be lost or overtake each "
        "other; an empty one is a message too, and gets an empty one back.",
        try_line="printf 'hello' | nc -u -w1 {host} {port}",
        server=_udp(8082, {"type": "upper"}),
    ),
    Preset(
        name="timestamp",
        title="TCP time stamp",
        explains="Puts `[Wed Aug 14 20:50:19 2013] ` before what came and sends both back, in UTF-8. It listens on all "
        "addresses of this machine, so others in the network reach it too.",
        try_line="printf 'Python编程' | nc -N {host} {port}",
        server=_tcp(8080, {"type": "timestamp"}, host="0.0.0.0"),  # noqa: S104 - the preset is meant for all addresses
    ),
    Preset(
        name="timestamp-udp",
        title="UDP time stamp",
        explains="Puts `[Wed Aug 14 20:50:19 2013] ` before what came and sends both back in one datagram. A client "
        "with too small a buffer loses the end of it.",
        try_line="printf 'Python编程' | nc -u -w1 {host} {port}",
        server=_udp(8080, {"type": "timestamp"}),
    ),
    Preset(
        name="over",
        title="TCP one-shot `over`",
        explains="Answers the first thing that it reads with `over` and closes the connection. A client must notice the "
        "end of the stream and connect anew for its next message.",
        try_line="printf 'anything' | nc -N {host} {port}",
        server=_tcp(8888, {"type": "fixed", "text": "over", "close": True}),
    ),
    Preset(
        name="upper-once",
        title="TCP upper case, once",
        explains="Answers the first thing that it reads in upper case and closes the connection. A second message on the "
        "same connection is not answered.",
        try_line="printf 'Hello,I am client!' | nc -N {host} {port}",
        server=_tcp(8083, {"type": "upper", "close": True}),
    ),
    Preset(
        name="from-server",
        title="TCP suffix `from server`",
        explains="Sends back what came with `from server` after it. A client that resets its connection disturbs nobody "
        "else: its connection ends with `reset by the peer`.",
        try_line="printf 'hi' | nc -N {host} {port}",
        server=_tcp(8084, {"type": "suffix", "text": "from server"}),
    ),
    Preset(
        name="receive",
        title="UDP `Receive`",
        explains="Answers each datagram, whatever is in it, with `Receive`. An answer that is missing was lost on the way "
        "there or back: the page shows which.",
        try_line="printf 'anything' | nc -u -w1 {host} {port}",
        server=_udp(8889, {"type": "fixed", "text": "Receive"}),
    ),
    Preset(
        name="sink",
        title="UDP sink",
        explains="Records each datagram and answers nothing. A sender gets no sign that its datagram arrived: it is on "
        "the page, or it was lost.",
        try_line="printf 'data' | nc -u -w1 {host} {port}",
        server=_udp(9998, {"type": "none"}),
    ),
    Preset(
        name="time",
        title="UDP time",
        explains="Answers an empty datagram with the time as `2026-11-20 10:11:12`, and any other as a strftime format: "
        "`%Y %m %d` gives `2026 11 20`.",
        try_line="printf '%%Y %%m %%d' | nc -u -w1 {host} {port}",
        server={"kind": "time", "transport": "udp", "host": "127.0.0.1", "port": 9000},
    ),
    Preset(
        name="broadcast-receiver",
        title="Broadcast receiver",
        explains="Records each datagram to its port, those to the broadcast address among them, with its sender, and "
        "answers nothing. It listens on all addresses; some networks do not carry broadcasts.",
        try_line="printf 'hello' | nc -u -b -w1 255.255.255.255 {port}",
        server={
            "kind": "broadcast-receiver",
            "transport": "udp",
            "host": "0.0.0.0",  # noqa: S104 - a datagram to the broadcast address reaches no socket that is bound to one's own
            "port": 9999,
        },
    ),
    Preset(
        name="broadcast-sender",
        title="Broadcast sender",
        explains="Sends a datagram to the broadcast address, port 9999, every second; all machines of the network get it. "
        "Run a broadcast receiver beside it to see them arrive.",
        try_line="nc -u -l 9999",
        server={
            "kind": "broadcast-sender",
            "transport": "udp",
            "host": "0.0.0.0",  # noqa: S104 - the route to the destination chooses the sending address
            "port": 0,
            "options": {"message": "sockpanel", "interval": 1.0, "destination": "255.255.255.255:9999"},
        },
    ),
    Preset(
        name="command",
        title="Remote commands",
        explains="Runs the commands of an allow-list for whoever holds a key: uname, uptime, date, hostname, id, df, free "
        "and ps to begin with. Their output streams back; each is written down before it runs, with who asked for it.",
        try_line="manage.py client command {host} {port} -- uname -s",
        server={
            "kind": "command",
            "transport": "tcp",
            "host": "127.0.0.1",
            "port": 9997,
            "options": {"dialect": "frames", "commands": COMMANDS},
        },
    ),
    Preset(
        name="command-ready",
        title="Remote commands, `Ready`",
        explains="For clients from textbooks, and on this machine only: a command line gets `Ready|<size>`, then `Start` gets "
        "the output. It runs any program and asks for no key, so every user of this machine may use it.",
        try_line="printf 'uname -s' | nc -w2 {host} {port}",
        server={
            "kind": "command",
            "transport": "tcp",
            "host": "127.0.0.1",
            "port": 9996,
            "options": {"dialect": "ready"},
        },
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _TABLE}
