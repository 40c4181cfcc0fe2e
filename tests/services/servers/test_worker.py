"""The life of a worker process: ready, alive, gone; with its supervisor and without."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from services.servers import registry, report, sockets
from services.servers.spec import TRANSPORTS
from tests.services.servers.commanding import briefing
from tests.services.servers.supervising import ROOT, Supervised, spec_of

ECHO = {"type": "echo"}


def run(stdin: bytes) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "services.servers"], input=stdin, cwd=ROOT, capture_output=True, check=False, timeout=10
    )


async def test_tells_that_it_is_ready_with_what_the_kernel_gave(serve):
    it = await serve(kind="udp")
    assert isinstance(it.others[0], report.Ready)
    assert it.others[0].receive_buffer == it.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


async def test_tells_again_and_again_that_it_lives(serve):
    it = await serve(start={"hurry": "worker.HEARTBEAT = 0.05"})
    await it.until(lambda: len(it.others) > 3)
    assert {type(told) for told in it.others[1:]} == {report.Heartbeat}


def test_the_registry_knows_every_kind_on_each_of_its_transports():
    assert set(registry.SERVERS) == {
        (kind, transport) for kind, transports in TRANSPORTS.items() for transport in transports
    }


# What it is made of


def test_loads_neither_django_nor_channels_nor_anything_heavy():
    code = "import sys; from services.servers import worker; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    heavy = {"django", "channels", "daphne", "twisted", "psutil", "sqlite3", "zoneinfo", "cryptography", "re2"}
    assert {name.partition(".")[0] for name in loaded} & heavy == set()


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_running_worker_has_nothing_heavy_mapped_either(serve, kind):
    it = await serve(kind=kind, host="0.0.0.0", start={"briefing": briefing()})
    mapped = Path(f"/proc/{it.process.pid}/maps").read_text()
    assert "uvloop" in mapped
    assert not re.search(r"django|channels|psutil|sqlite|zoneinfo", mapped)
    assert kind == "command" or not re.search(r"cryptography|/_?re2", mapped)


async def test_may_open_as_many_files_as_the_system_lets_it(serve):
    it = await serve()
    line = next(
        line for line in Path(f"/proc/{it.process.pid}/limits").read_text().splitlines() if "open files" in line
    )
    soft, hard = re.findall(r"\d+", line)
    assert soft == hard


async def test_its_words_are_on_no_command_line(serve):
    it = await serve(reply={"type": "fixed", "text": "secret"})
    assert b"secret" not in Path(f"/proc/{it.process.pid}/cmdline").read_bytes()


async def test_its_stdin_is_closed(serve):
    it = await serve()
    assert os.readlink(f"/proc/{it.process.pid}/fd/0") == os.devnull


# What cannot be


@pytest.mark.parametrize("stdin", [b"", b"{", b'{"spec":{}}'])
def test_whoever_starts_it_by_hand_is_told_how_it_is_meant(stdin):
    done = run(stdin)
    assert done.returncode == os.EX_USAGE
    assert done.stderr.startswith(b"A worker is started by the supervisor")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("change", "socket_of"), [({"kind": "ftp"}, "tcp"), ({"framing": {"type": "morse"}}, "tcp"), ({}, None)]
)
def test_what_it_cannot_serve_it_says_and_leaves(change, socket_of):
    spec = spec_of()
    ours, theirs = socket.socketpair()
    with ours, theirs, sockets.open_socket(spec) as sock:
        start = report.Start(
            spec=msgspec.to_builtins(spec) | change, link=theirs.fileno(), socket=sock.fileno() if socket_of else None
        )
        done = subprocess.run(
            [sys.executable, "-m", "services.servers"],
            input=msgspec.json.encode(start),
            pass_fds=(theirs.fileno(), sock.fileno()),
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=10,
        )
        told = report.decode_from_worker(ours.recv(65_536)[report.HEADER_BYTES :])
    assert done.returncode == os.EX_CONFIG
    assert isinstance(told, report.Failed)
    assert told.message.startswith("The worker cannot serve")


# The end


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_sigterm_ends_every_kind_with_0(serve, kind):
    options = {"options": {"destination": "127.0.0.1:9"}} if "sender" in kind else {}
    it = await serve(kind=kind, host="0.0.0.0", start={"briefing": briefing()}, **options)
    assert await it.stop() == 0
    assert it.last_words() == ""


async def test_ctrl_c_is_the_supervisors_business(serve, connect):
    it = await serve(reply=ECHO)
    it.process.send_signal(signal.SIGINT)
    client = await connect(it.address)
    assert await client.ask(b"abc", 3) == b"abc"


async def test_a_worker_without_a_supervisor_closes_at_once_and_leaves_within_a_second(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    assert await client.ask(b"abc", 3) == b"abc"
    began = asyncio.get_running_loop().time()
    await it.abandon()
    assert await client.hear_all() == b""
    assert await asyncio.to_thread(it.process.wait, 5) == os.EX_UNAVAILABLE
    assert asyncio.get_running_loop().time() - began < 1
    assert it.last_words() == ""


async def test_a_supervisor_that_dies_during_a_stop_is_not_waited_for(serve, connect):
    it = await serve(reply=ECHO)
    it.acknowledges = False
    client = await connect(it.address)
    await client.ask(b"abc", 3)
    it.process.terminate()
    assert await client.hear_all() == b""
    await it.abandon()
    began = asyncio.get_running_loop().time()
    await asyncio.to_thread(it.process.wait, 5)
    assert asyncio.get_running_loop().time() - began < 1.3


async def test_a_stop_waits_until_the_last_message_is_stored(serve, connect):
    it = await serve(reply=ECHO)
    it.acknowledges = False
    client = await connect(it.address)
    await client.ask(b"abc", 3)
    it.process.terminate()
    assert await client.hear_all() == b""
    await it.until(lambda: it.closed)
    assert it.process.poll() is None
    it.acknowledge()
    assert await it.ended() == 0


async def test_a_stop_does_not_wait_for_a_store_that_is_away(serve, connect):
    it = await serve(start={"hurry": "worker.STORE_WITHIN = 0.3"}, reply=ECHO)
    it.acknowledges = False
    client = await connect(it.address)
    await client.ask(b"abc", 3)
    client.leave()
    assert await it.stop() == 0
    assert "not stored within 0.3 s" in it.last_words()


async def test_orders_that_make_no_sense_end_the_worker(serve):
    it = await serve()
    it._writer.write(b"\0\0\0\1\xff")
    assert await it.ended() != 0
    assert "no report" in it.last_words()


async def test_who_dies_leaves_the_socket_to_the_next(serve, connect):
    """The supervisor keeps it open: nobody who connects in between is refused."""
    it = await serve(reply=ECHO)
    it.process.kill()
    await it.ended()
    client = await connect(it.address)
    await client.say(b"abc")
    heir = Supervised(it.spec, taken=it.socket.dup())
    await heir.begin()
    assert await client.hear(3) == b"abc"
    client.leave()
    await heir.release()
