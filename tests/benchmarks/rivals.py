"""Who else echoes TCP: what each is started with, and what is missing where it cannot be. None of them is installed from here, but
for mitmproxy, in an environment of its own under .build, when that is asked for.

with serving("socat") as port: ...
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.product import CHECKOUT, answers, free_port, until
from tests.benchmarks.programs import built

HERE = Path(__file__).with_name("peers")
MITMPROXY = CHECKOUT / ".build" / "mitmproxy"
XINETD = """defaults
{{
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 100000 1
}}
service echo
{{
    type = INTERNAL UNLISTED
    id = echo-stream
    socket_type = stream
    protocol = tcp
    wait = no
    user = {user}
    bind = 127.0.0.1
    port = {port}
    disable = no
}}
"""


@dataclass(frozen=True)
class Rival:
    """`words` makes its command from a port and a folder of its own; `missing` is why there is none, or empty."""

    title: str
    words: Callable[[int, Path], list[str]]
    package: str = ""  # Debian's, with a program of the same name
    records: bool = False

    def missing(self) -> str:
        if self.package and shutil.which(self.package, path=_path()) is None:
            return f"{self.title} is not installed: apt-get install {self.package}, then ./run bench again"
        if self.title == RECORDER and not (MITMPROXY / "complete").exists():
            return f"{self.title} is not installed: ./run bench --peers puts it into {MITMPROXY.relative_to(CHECKOUT)}"
        return ""


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _xinetd(port: int, folder: Path) -> list[str]:
    configuration = folder / "xinetd.conf"
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    configuration.write_text(XINETD.format(user=user, port=port))
    return ["xinetd", "-dontfork", "-f", str(configuration), "-pidfile", str(folder / "pid")]


def _python(script: str, *more: str) -> Callable[[int, Path], list[str]]:
    return lambda port, _: [sys.executable, str(HERE / script), str(port), *more]


def _mitmproxy(port: int, folder: Path) -> list[str]:
    """Its reverse TCP mode before an echo of its own, writing what passes to a file."""
    behind = free_port()
    script = [sys.executable, str(HERE / "behind.py"), str(built("epoll_echo")), str(behind)]
    options = ["--set", "listen_host=127.0.0.1", "--set", f"confdir={folder}", "--set", "flow_detail=0"]
    mode = f"reverse:tcp://127.0.0.1:{behind}@{port}"
    return [*script, str(MITMPROXY / "bin" / "mitmdump"), "-q", "--mode", mode, "-w", str(folder / "flows"), *options]


LIMIT, RECORDER = "bare C epoll", "mitmproxy"
RIVALS: dict[str, Rival] = {
    one.title: one
    for one in (
        Rival(LIMIT, lambda port, _: [str(built("epoll_echo")), str(port)]),
        Rival(
            "socat",
            lambda port, _: ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=4096", "PIPE"],
            "socat",
        ),
        Rival(
            "ncat",
            lambda port, _: ["ncat", "-l", "127.0.0.1", str(port), "-k", "-m", "1000", "-e", "/bin/cat"],
            "ncat",
        ),
        Rival("xinetd", _xinetd, "xinetd"),
        Rival("Twisted", _python("twisted_echo.py")),
        Rival("asyncio", _python("asyncio_echo.py")),
        Rival("asyncio with uvloop", _python("asyncio_echo.py", "uvloop")),
        Rival(RECORDER, _mitmproxy, records=True),
    )
}


def missing(title: str) -> str:
    """Why there is none here and what would bring it; empty when there is."""
    return RIVALS[title].missing()


@contextmanager
def serving(title: str) -> Iterator[int]:
    """The port at which it serves, for the length of the block."""
    with tempfile.TemporaryDirectory() as folder, _process(RIVALS[title].words, Path(folder)) as port:
        yield port


def install_mitmproxy() -> None:
    """Into an environment of its own, for it wants other versions of what Sockpanel stands on."""
    if not (MITMPROXY / "complete").exists():
        print(f"Installing mitmproxy into {MITMPROXY} ...", file=sys.stderr, flush=True)
        venv.create(MITMPROXY, clear=True, with_pip=True)
        pip = [
            str(MITMPROXY / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "mitmproxy",
        ]
        subprocess.run(pip, check=True)
        (MITMPROXY / "complete").touch()


@contextmanager
def _process(words: Callable[[int, Path], list[str]], folder: Path) -> Iterator[int]:
    port = free_port()
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            words(port, folder), env=os.environ | {"PATH": _path()}, stdout=told, stderr=told, stdin=subprocess.DEVNULL
        )
    try:
        until(lambda: process.poll() is not None or answers(port), 20)
        if process.poll() is not None:
            raise RuntimeError(f"{words(port, folder)[0]} ended at once: {log.read_text(errors='replace').strip()}")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
