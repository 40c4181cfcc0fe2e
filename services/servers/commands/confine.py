"""The child inside the cage, from the fork to the program: everything that the program does not need is given up on the way.

Part of the cage: it uses the standard library alone. The order matters: what needs the rights of root comes before they are dropped,
and what Python itself would stumble over (the limit on memory, the rules of Landlock) comes last.
"""

import _signal  # type: ignore[import-not-found]  # `signal` without its enums, which cost a third of the start
import ctypes
import os
import resource
import sys
from types import SimpleNamespace

from services.servers.commands import landlock, program_file, scratch, seccomp

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _CAP_AMBIENT, _CLEAR_ALL = 1, 24, 38, 47, 4  # prctl(2)
_CAPABILITIES_VERSION = 0x2008_0522  # capset(2), version 3
_CAPABILITIES = 64
_DESCRIPTORS = 65_536  # no cage has had more open

_libc = ctypes.CDLL(None, use_errno=True)


class Stage(Exception):
    """Where the way to the program ended: a word, and an error number or 0."""


class _At:
    """`with _At("drop"):` what the system refuses in the block is told as this stage."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise Stage(f"{self._name} {error.errno or 0}") from error


def become(plan: SimpleNamespace, errors: int, warden: int) -> None:
    """The program of the plan, or an end; what went wrong is told through `errors`, as `STAGE ERRNO`. Never returns."""
    told = ""
    try:
        _become(plan, errors, warden)
    except Stage as stage:
        told = str(stage)
    except BaseException as error:  # whatever it is: the program must not run half prepared
        told = f"{type(error).__name__} 0"
    os.write(errors, told.encode())
    os._exit(127)


def _become(plan: SimpleNamespace, errors: int, warden: int) -> None:
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": plan.scratch or "/"}
    with _At("prepare"):
        _stand_alone(errors)
        _limit(plan)
    with _At("landlock"):
        rules = landlock.ruleset(
            hidden=plan.hidden,
            write=not plan.caged,
            network=plan.network,
            alone=plan.caged or not plan.user,
            scratch=plan.scratch,
        )
    with _At("drop"):
        _drop(plan.user, warden)
    with _At("exec"):
        _refuse_replaceable(plan.program)
        os.chdir(plan.scratch or "/")
    with _At("landlock"):
        landlock.enforce(rules)
    with _At("seccomp"):
        if plan.caged and not plan.network:
            seccomp.forbid_sockets()
    with _At("exec"):
        _rlimit(resource.RLIMIT_AS, plan.memory_bytes, plan.memory_bytes)
        os.execve(plan.program, plan.argv, environment)  # noqa: S606 - no shell is the point


def _stand_alone(errors: int) -> None:
    """A session without a terminal, nothing on stdin, no descriptor of ours, signals and file modes as they come."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.closerange(3, errors)
    os.closerange(errors + 1, _DESCRIPTORS)
    for number in range(1, _signal.NSIG):
        if number not in (_signal.SIGKILL, _signal.SIGSTOP):
            _default(number)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    os.umask(0o077)
    _offer_to_oom_killer()


def _default(number: int) -> None:
    try:
        _signal.signal(number, _signal.SIG_DFL)
    except OSError:
        pass  # the C library keeps it for itself


def _offer_to_oom_killer() -> None:
    """Where memory runs out, a command ends before the panel does."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        pass  # a kernel without it


def _limit(plan: SimpleNamespace) -> None:
    seconds = int(plan.seconds) + 1
    uid = plan.user[0] if plan.user else os.getuid()
    tasks = _tasks_of(uid) + plan.processes
    _rlimit(resource.RLIMIT_CPU, seconds, seconds + 1)  # SIGXCPU, and a second later SIGKILL
    _rlimit(resource.RLIMIT_FSIZE, plan.file_bytes, plan.file_bytes)
    _rlimit(resource.RLIMIT_NPROC, tasks, tasks)
    _rlimit(resource.RLIMIT_NOFILE, plan.files, plan.files)
    _rlimit(resource.RLIMIT_CORE, 0, 0)


def _rlimit(what: int, soft: int, hard: int) -> None:
    """Never above what we may have ourselves."""
    most = resource.getrlimit(what)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(what, (soft, hard))


def _tasks_of(uid: int) -> int:
    """Threads that the user has now: the limit counts all of them."""
    count = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                count += os.stat(f"/proc/{name}/task").st_nlink - 2
        except OSError:
            continue  # it has ended
    return count


def _drop(user: tuple[int, int] | None, warden: int) -> None:
    """Become the user, with no group, no capability and no way to get any. Never goes on as root."""
    if user:
        for capability in range(_CAPABILITIES):
            _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)  # those that the kernel does not know fail
        for output in (1, 2):
            os.fchown(output, *user)  # so that it may open /dev/stdout
    scratch.become(user)
    if 0 in os.getresuid():
        raise Stage("root 0")
    _prctl(_NO_NEW_PRIVS, 1)
    _libc.prctl(_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)  # an old kernel has none
    _checked(
        _libc.capset(ctypes.c_char_p(_CAPABILITIES_VERSION.to_bytes(8, sys.byteorder)), ctypes.c_char_p(bytes(24)))
    )
    _prctl(_PDEATHSIG, _signal.SIGKILL)  # only now: a change of user takes it away
    if os.getppid() != warden:
        raise Stage("warden 0")


def _refuse_replaceable(program: str) -> None:
    if program_file.replaceable(program):
        raise Stage("writable 0")


def _prctl(option: int, value: int) -> None:
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "refused")
