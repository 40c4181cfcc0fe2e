"""A command that needs no network makes no sockets, however it asks for them."""

import errno

import pytest

from services.servers.commands import seccomp
from tests.services.servers.commands.caged import PYTHON, needs_python, plan, run

pytestmark = needs_python

# family, type, protocol
SOCKETS = {
    "tcp": "2, 1, 0",
    "tcp6": "10, 1, 0",
    "udp": "2, 2, 0",
    "udp6": "10, 2, 0",
    "ping": "2, 2, 1",
    "raw": "2, 3, 1",
    "mptcp": "2, 1, 262",
    "unix": "1, 1, 0",
    "packet": "17, 3, 0",
    "vsock": "40, 1, 0",
    "alg": "38, 5, 0",
}
ASK = "import socket; socket.socket({0}); print('made')"


@pytest.mark.parametrize("kind", SOCKETS)
async def test_no_socket_is_made(kind: str):
    ran, _ = await run(plan(PYTHON, "-c", ASK.format(SOCKETS[kind])))
    assert ran.stdout == ""
    assert "PermissionError: [Errno 13]" in ran.stderr


@pytest.mark.parametrize("kind", ["tcp", "udp", "unix"])
async def test_who_is_said_to_need_the_network_makes_them(kind: str):
    for fields in ({"network": True}, {"caged": False, "network": True}):
        ran, _ = await run(plan(PYTHON, "-c", ASK.format(SOCKETS[kind]), **fields))
        assert ran.stdout == "made\n"


async def test_the_kernel_may_be_asked_about_the_network():
    ran, _ = await run(plan(PYTHON, "-c", ASK.format("16, 3, 0")))
    assert ran.stdout == "made\n"


async def test_two_ends_of_one_pair_may_be_made():
    ran, _ = await run(
        plan(
            PYTHON,
            "-c",
            "import socket; a, b = socket.socketpair(); a.send(b'made\\n'); print(b.recv(9).decode(), end='')",
        )
    )
    assert ran.stdout == "made\n"


@pytest.mark.parametrize("number", [425, 0x4000_0029], ids=["io_uring", "x32"])
async def test_no_other_call_makes_one(number: int):
    call = "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(ctypes.c_long({0}), 2, 1, 0), ctypes.get_errno())"
    ran, _ = await run(plan(PYTHON, "-c", call.format(number)))
    assert ran.stdout == f"-1 {errno.EACCES}\n"


@pytest.mark.parametrize("machine", seccomp._MACHINES)
def test_its_steps_end_in_an_answer_for_every_architecture(machine: str):
    """Run by hand: sockets but netlink fail, all else is allowed, and an unknown architecture fails."""
    for architecture in seccomp._MACHINES[machine]:
        socket, others = seccomp._CALLS[architecture]
        assert answer(machine, architecture, socket, 2) == seccomp._FAIL
        assert answer(machine, architecture, socket, 1) == seccomp._FAIL
        assert answer(machine, architecture, socket, 16) == seccomp._ALLOW
        assert answer(machine, architecture, 425, 0) == seccomp._FAIL
        assert [answer(machine, architecture, number, 0) for number in others] == [seccomp._FAIL] * len(others)
        assert answer(machine, architecture, 0, 2) == seccomp._ALLOW
    assert answer(machine, 0x1234, 0, 0) == seccomp._FAIL


def answer(machine: str, architecture: int, number: int, first: int) -> int:
    steps = seccomp._filter(seccomp._MACHINES[machine])
    data = {seccomp._NUMBER: number, seccomp._ARCHITECTURE: architecture, seccomp._FIRST: first}
    at = loaded = 0
    while True:
        operation, when, when_not, operand = steps[at]
        if operation == seccomp._RETURN:
            return operand
        if operation == seccomp._LOAD:
            loaded = data[operand]
        elif loaded == operand if operation == seccomp._JUMP_EQUAL else loaded >= operand:
            at += when
        else:
            at += when_not
        at += 1


def test_on_a_processor_that_is_not_in_the_table_nothing_is_forbidden():
    assert seccomp._filter(()) == []
