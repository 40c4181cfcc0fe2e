"""The supervisor and the real worker, `python -m services.servers`, over real sockets."""

import asyncio
import errno
import os
import signal
import socket
import time
from contextlib import nullcontext

import msgspec
import pytest

from services.servers import report
from services.servers.spec import Limits, Reply, ServerSpec
from services.supervisor.process import process_start
from services.supervisor.supervisor import COMMAND, Supervisor
from services.supervisor.timings import Timings
from services.supervisor.wanted import Wanted
from tests.services.supervisor.nursing import bring_up


@pytest.fixture(params=["spawned", "forked"])
async def supervisor(request, journal):
    journal.stores = True
    with bring_up() if request.param == "forked" else nullcontext() as nursery:
        supervisor = Supervisor(journal, nursery=nursery)
        yield supervisor
        await supervisor.close()


@pytest.fixture
def echo(free_port):
    def make(id=1, **fields):
        words = {
            "name": f"echo-{id}",
            "kind": "tcp",
            "transport": "tcp",
            "host": "127.0.0.1",
            "reply": Reply(type="echo"),
        }
        spec = ServerSpec(**{**words, "port": free_port(), **fields})
        return Wanted(id=id, spec=spec, running=True, restart="on-failure", asked=1, asked_by="alice")

    return make


async def exchange(port, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.readexactly(len(data)), 10)
    writer.close()
    await writer.wait_closed()
    return answer


def messages(journal):
    return [(row[3], row[4]) for _, _, batch, _ in journal.batches for row in batch.messages]


async def test_an_echo_server_answers_and_reports_both_ways(supervisor, echo, journal, until):
    server = echo()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    assert await exchange(server.spec.port, b"abc") == b"abc"
    await until(lambda: len(messages(journal)) == 2)
    assert messages(journal) == [(report.IN, b"abc"), (report.OUT, b"abc")]


async def test_a_stopped_server_has_reported_all_and_frees_its_port(supervisor, echo, journal, until):
    server = echo()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    for _ in range(20):
        await exchange(server.spec.port, b"abc")
    await supervisor.reconcile([msgspec.structs.replace(server, running=False, asked=2)])
    await until(journal.reached("STOPPED"))
    assert len(messages(journal)) == 40
    assert (journal.ended[0].exit_code, journal.ended[0].stderr) == (0, "")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", server.spec.port))


async def test_the_connections_of_the_next_run_are_numbered_on(supervisor, echo, journal, until):
    server = echo()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    await exchange(server.spec.port, b"abc")
    opened = await until(lambda: [one.number for _, _, batch, _ in journal.batches for one in batch.opened])
    assert opened == [11]


async def test_bytes_are_sent_by_hand_and_a_connection_is_closed(supervisor, echo, journal, until):
    server = echo()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.spec.port)
    await until(lambda: [one for _, _, batch, _ in journal.batches for one in batch.opened])
    done = await supervisor.send(1, report.Send(action=1, data=b"hello", connection=11, sent_by="alice"))
    assert (done.count, await reader.readexactly(5)) == (1, b"hello")
    assert (await supervisor.send(1, report.Close(action=2, connection=11))).error == ""
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_a_killed_worker_refuses_nobody_and_serves_again_within_a_second(journal, echo, until):
    """One connection every 5 ms, and five kills, each after a run that counts as steady. Workers are forked, as in a panel."""
    journal.stores = True
    server, gaps = echo(limits=Limits(connections=10_000)), []
    with bring_up() as nursery:
        supervisor = Supervisor(journal, timings=Timings(steady=0.1), nursery=nursery)
        await supervisor.reconcile([server])
        await until(journal.reached("RUNNING"))
        client = Knocker(server.spec.port)
        for run in range(1, 6):
            await asyncio.wait_for(client.knock(times=40), 20)
            os.kill(journal.started[-1].pid, signal.SIGKILL)
            before = time.monotonic()
            await asyncio.gather(until(journal.reached("RUNNING", times=run + 1)), client.knock(times=40))
            assert await exchange(server.spec.port, b"again") == b"again"
            gaps.append(journal.moves[-1].at - journal.ended[-1].at)
            assert time.monotonic() - before < 5
        await supervisor.close()
    assert client.refused == []
    assert max(gaps) < 1_000_000


class Knocker:
    """Connects every 5 ms and remembers who was refused."""

    def __init__(self, port):
        self.port, self.refused = port, []

    async def knock(self, times):
        for _ in range(times):
            with socket.socket() as sock:
                sock.settimeout(2)
                code = sock.connect_ex(("127.0.0.1", self.port))
            if code:
                self.refused.append(errno.errorcode.get(code, code))
            await asyncio.sleep(0.005)


async def test_no_other_process_can_take_the_port_while_a_worker_is_dead(supervisor, echo, journal, until, free_port):
    servers = [echo(), echo(2, kind="udp", transport="udp", name="udp")]
    await supervisor.reconcile(servers)
    await until(lambda: journal.reached("RUNNING")() and journal.reached("RUNNING", server=2)())
    for started in list(journal.started):
        os.kill(started.pid, signal.SIGKILL)
    for server, kind in zip(servers, (socket.SOCK_STREAM, socket.SOCK_DGRAM), strict=True):
        with socket.socket(type=kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            assert binds(sock, server.spec.port) == errno.EADDRINUSE


def binds(sock, port):
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        return error.errno
    return 0


async def test_datagrams_that_come_while_the_worker_is_dead_are_answered_by_the_next(supervisor, echo, journal, until):
    server = echo(kind="udp", transport="udp")
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    os.kill(journal.started[0].pid, signal.SIGKILL)
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(b"early", ("127.0.0.1", server.spec.port))
        assert await asyncio.to_thread(sock.recv, 100) == b"early"


@pytest.mark.parametrize("transport", ["unix", "unix-dgram"])
async def test_a_unix_server_keeps_its_path_across_a_crash_and_removes_it_at_the_stop(
    supervisor, echo, journal, until, tmp_path, transport
):
    path = tmp_path / "s"
    server = echo(kind="tcp" if transport == "unix" else "udp", transport=transport, host=str(path), port=0)
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    os.kill(journal.started[0].pid, signal.SIGKILL)
    await until(journal.reached("RUNNING", times=2))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if transport == "unix" else socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.bind(str(tmp_path / "me"))
        sock.connect(str(path))
        sock.send(b"hi")
        assert await asyncio.to_thread(sock.recv, 10) == b"hi"
    await supervisor.reconcile([])
    await until(journal.reached("STOPPED"))
    assert not path.exists()


async def test_a_restart_under_connections_never_fails_to_bind(supervisor, echo, journal, until):
    server = echo()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    for asked in range(2, 8):
        await exchange(server.spec.port, b"left in TIME_WAIT")
        stopped = msgspec.structs.replace(server, running=False, asked=2 * asked)
        await supervisor.reconcile([stopped])
        await supervisor.reconcile([msgspec.structs.replace(server, asked=2 * asked + 1)])
        await until(journal.reached("RUNNING", times=asked))
    assert "FATAL" not in journal.states()


async def test_a_worker_whose_supervisor_is_gone_leaves_within_a_second_or_so(echo, free_port):
    server = echo()
    code = ORPHANER.format(port=server.spec.port)
    parent = await asyncio.create_subprocess_exec(
        COMMAND[0], "-c", code, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.PIPE
    )
    pid, start = map(int, (await asyncio.wait_for(parent.stdout.readline(), 20)).split())
    assert process_start(pid) == start
    orphan = os.pidfd_open(pid)
    parent.kill()
    await parent.wait()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(orphan, ended.set)
    await asyncio.wait_for(ended.wait(), 5)
    asyncio.get_running_loop().remove_reader(orphan)
    os.close(orphan)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", server.spec.port))


ORPHANER = """
import asyncio
from services.servers.spec import Reply, ServerSpec
from services.supervisor.events import History
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted

class Quiet:
    started = None
    def history(self, server): return History()
    def moved(self, moved):
        if moved.new == "RUNNING":
            print(self.started.pid, self.started.process_start, flush=True)
    def heeded(self, heeded): pass
    def run_started(self, started): self.started = started
    def run_ended(self, ended): pass
    def reported(self, server, run, batch, stored): stored(batch.number)

async def main():
    spec = ServerSpec(name="echo", kind="tcp", transport="tcp", host="127.0.0.1", port={port}, reply=Reply(type="echo"))
    supervisor = Supervisor(Quiet())
    await supervisor.reconcile([Wanted(id=1, spec=spec, running=True, restart="always")])
    await asyncio.Event().wait()

asyncio.run(main())
"""
