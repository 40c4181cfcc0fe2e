"""The supervisor with real processes and sockets; the workers play scripts."""

import asyncio
import os
import signal
import socket

import msgspec
import psutil
import pytest

from services.supervisor.process import process_start
from services.supervisor.states import State
from tests.waiting import eventually_async


def refuses(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def group(leader):
    """The living processes of a group; a zombie waits only for whoever adopted it."""
    return [
        process
        for process in psutil.process_iter(["status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == leader
    ]


async def test_a_server_runs_once_its_worker_is_ready_and_its_port_is_free_once_it_stopped(
    supervise, wanted, journal, until
):
    supervisor, server = supervise(), wanted("ready; wait")
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    assert not refuses(server.spec.port)
    await supervisor.reconcile([msgspec.structs.replace(server, running=False, asked=2)])
    await until(journal.reached("STOPPED"))
    assert refuses(server.spec.port)
    assert [ended.exit_code for ended in journal.ended] == [0]


async def test_a_run_is_told_with_its_pid_and_start_time(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; wait")])
    await until(journal.reached("RUNNING"))
    started = journal.started[0]
    assert process_start(started.pid) == started.process_start


async def test_a_port_in_use_is_final_and_names_its_holder(supervise, wanted, journal, until):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        await supervise().reconcile([wanted(port=port)])
        await until(journal.reached("FATAL"))
    assert f"Port {port} on 127.0.0.1 is in use by pid {os.getpid()}" in journal.moves[-1].reason
    assert journal.started == []


async def test_everything_written_before_a_death_is_reported_before_the_run_ends(supervise, wanted, journal, until):
    steps = "ready; " + "batch 100; " * 50 + "exit 1"
    await supervise().reconcile([wanted(steps, restart="never")])
    await until(lambda: journal.ended)
    assert journal.reported_before_end == [50]
    assert [batch.number for _, _, batch, _ in journal.batches] == list(range(1, 51))


async def test_the_last_words_of_a_run_are_kept(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("say one; say two \x1b[0m; exit 3", restart="never")])
    ended = await until(lambda: journal.ended)
    assert (ended[0].exit_code, ended[0].stderr) == (3, "one\ntwo \\x1b[0m")


async def test_at_a_stop_the_last_batch_is_reported_and_its_acknowledgement_lets_the_worker_go(
    supervise, wanted, journal, until
):
    supervisor, server = supervise(), wanted("ready; batch; wait; batch; stored; exit 0")
    await supervisor.reconcile([server])
    await until(lambda: len(journal.batches) == 1)
    await supervisor.reconcile([msgspec.structs.replace(server, running=False, asked=2)])
    await until(lambda: len(journal.batches) == 2)
    assert supervisor.state(1) is State.STOPPING
    _, _, batch, stored = journal.batches[-1]
    stored(batch.number)
    await until(journal.reached("STOPPED"))
    assert journal.ended[0].exit_code == 0


async def test_a_worker_that_is_killed_is_started_again(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; wait")])
    await until(journal.reached("RUNNING"))
    os.kill(journal.started[0].pid, signal.SIGKILL)
    await until(lambda: journal.states().count("RUNNING") == 2)
    assert journal.ended[0].signal == signal.SIGKILL
    assert "SIGKILL" in next(moved.reason for moved in journal.moves if moved.new == "BACKOFF")


async def test_a_worker_that_dies_at_once_fails_with_its_last_words(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("say warming up; say no such device; exit 3")])
    await until(journal.reached("FATAL"))
    assert len(journal.started) == 6
    reason = journal.moves[-1].reason
    assert "exit code 3" in reason
    assert "warming up\nno such device" in reason


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("ready; garbage; wait", "broke the protocol of its link"),
        ("ready; ready; wait", "said twice that it is ready"),
        ("ready; eof; wait", "left its link"),
    ],
)
async def test_a_worker_that_misbehaves_is_killed_and_restarted_with_the_reason(
    supervise, wanted, journal, until, quick, steps, words
):
    await supervise(timings=msgspec.structs.replace(quick, farewell=0.05)).reconcile([wanted(steps)])
    backoff = await until(lambda: [moved for moved in journal.moves if moved.new == "BACKOFF"])
    assert words in backoff[0].reason
    assert journal.ended[0].signal == signal.SIGKILL


async def test_a_worker_that_refuses_to_serve_fails_in_its_own_words(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("refuse The zone is unknown: choose another.; exit 1")])
    await until(journal.reached("FATAL"))
    assert journal.moves[-1].reason == "The zone is unknown: choose another."


async def test_a_worker_that_is_never_ready_is_killed(supervise, wanted, journal, until, quick):
    timings = msgspec.structs.replace(quick, ready=0.1)
    await supervise(timings=timings).reconcile([wanted("wait", restart="never")])
    await until(journal.reached("EXITED"))
    assert "not ready within 0.1 s" in journal.moves[-1].reason


async def test_a_frozen_worker_is_found_and_replaced(supervise, wanted, journal, until, quick):
    timings = msgspec.structs.replace(quick, silence=1.0)
    await supervise(timings=timings).reconcile([wanted("ready; pulse 0.1")])
    await until(journal.reached("RUNNING"))
    os.kill(journal.started[0].pid, signal.SIGSTOP)
    await until(lambda: journal.states().count("RUNNING") == 2)
    assert any("said nothing for 1 s" in moved.reason for moved in journal.moves)


async def test_a_loop_that_slept_too_long_blames_no_worker(supervise, wanted, journal, until, quick):
    timings = msgspec.structs.replace(quick, silence=0.5)
    await supervise(timings=timings).reconcile([wanted("ready; pulse 0.05")])
    await until(journal.reached("RUNNING"))
    threading_sleep(1.0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert journal.ended == []
    assert journal.states() == ["STARTING", "RUNNING"]


def threading_sleep(seconds):
    """Blocks the loop, as a suspended machine or a slow observer does."""
    signal.sigtimedwait([], seconds)


async def test_a_worker_deaf_to_sigterm_is_killed_with_its_children(supervise, wanted, journal, until, quick):
    supervisor = supervise(timings=msgspec.structs.replace(quick, stop=0.2))
    server = wanted("hang; child; ready; wait")
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    await supervisor.reconcile([])
    await until(journal.reached("STOPPED"))
    assert journal.ended[0].signal == signal.SIGKILL
    await eventually_async(lambda: group(journal.started[0].pid) == [], within=2)  # SIGKILL takes its moment


async def test_a_server_missing_from_the_wanted_set_is_stopped_and_forgotten(supervise, wanted, journal, until):
    supervisor = supervise()
    await supervisor.reconcile([wanted("ready; wait")])
    await until(journal.reached("RUNNING"))
    await supervisor.reconcile([])
    await until(journal.reached("STOPPED"))
    assert journal.moves[-2].reason == "The server was removed."
    assert supervisor._keepers == {}


async def test_a_server_takes_over_the_port_of_one_that_stops_in_the_same_breath(
    supervise, wanted, journal, until, free_port
):
    supervisor, port = supervise(), free_port()
    first, second = wanted(port=port), wanted(id=2, port=port, running=False)
    await supervisor.reconcile([second, first])
    await until(journal.reached("RUNNING"))
    await supervisor.reconcile(
        [msgspec.structs.replace(second, running=True, asked=2), msgspec.structs.replace(first, running=False, asked=2)]
    )
    await until(journal.reached("RUNNING", server=2))
    assert journal.states(1)[-1] == "STOPPED"


async def test_two_servers_swap_their_ports(supervise, wanted, journal, until):
    supervisor, one, two = supervise(), wanted(), wanted(id=2)
    await supervisor.reconcile([one, two])
    await until(lambda: journal.states().count("RUNNING") + journal.states(2).count("RUNNING") == 2)
    await supervisor.reconcile(
        [
            msgspec.structs.replace(one, spec=two.spec, revision=2),
            msgspec.structs.replace(two, spec=one.spec, revision=2),
        ]
    )
    await until(lambda: journal.states().count("RUNNING") + journal.states(2).count("RUNNING") == 4)
    assert "FATAL" not in journal.states() + journal.states(2)


async def test_what_was_wanted_before_the_supervisor_began_was_asked_by_nobody(supervise, wanted, journal):
    await supervise().reconcile([wanted(restored=True), wanted(id=2)])
    first, second = journal.moves
    assert (first.who, first.reason) == ("", "It should run, and the supervisor began.")
    assert (second.who, second.reason) == ("alice", "Asked to start.")
