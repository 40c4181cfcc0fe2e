"""UDP: datagrams of 64 bytes into a recording sink, counted on both ends, beside a bare loop that stores nothing."""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.product import Product, free_port, until

RATE, SECONDS, SIZE = 50_000, 10, 64


def load(folder: Path) -> Path:
    """The load generator, built. Raises RuntimeError without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("The benchmarks need a C compiler: apt-get install gcc libc6-dev, then ./run bench again.")
    program = folder / "loadgen"
    subprocess.run([compiler, "-O2", "-o", program, Path(__file__).with_name("loadgen.c")], check=True)
    return program


def blast(program: Path, port: int) -> int:
    """How many datagrams went out."""
    words = [program, "blast", "127.0.0.1", str(port), str(RATE), str(SECONDS), str(SIZE)]
    return int(json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["sent"])


def udp(product: Product) -> list[Figure]:
    name = "bench-udp"
    server = product.running(
        preset="sink", name=name, port=free_port(socket.SOCK_DGRAM), retention={"rows": 10_000_000}
    )
    with tempfile.TemporaryDirectory() as folder:
        program = load(Path(folder))
        bare = _bare(program)
        sent = blast(program, server["port"])
    counters = until(lambda: _counters(product, name, sent), 60)
    product.ask("DELETE", f"/servers/{name}")
    dropped = sum(counters["dropped"].values())
    return [
        Figure(f"UDP: {RATE:,} datagrams/s of {SIZE} bytes for {SECONDS} s: sent", sent, "", f"{RATE * SECONDS:,}"),
        Figure("UDP: of them stored", counters["stored"], "", "all"),
        Figure("UDP: of them dropped, and counted", dropped, "", "0"),
        Figure("UDP: received less stored less dropped", counters["received"] - counters["stored"] - dropped, "", "0"),
        Figure("UDP, the same load into a bare Python recv loop that stores nothing: received", bare, "", "(the peer)"),
    ]


def _counters(product: Product, name: str, sent: int) -> dict | None:
    counters = product.ask("GET", f"/servers/{name}")["counters"]
    return counters if counters["received"] >= sent else None


def _bare(program: Path) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bare:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        bare.bind(("127.0.0.1", 0))
        bare.settimeout(0.5)
        received, done = 0, threading.Event()

        def read() -> None:
            nonlocal received
            while True:
                try:
                    bare.recv(2048)
                    received += 1
                except TimeoutError:
                    if done.is_set():
                        return

        reader = threading.Thread(target=read)
        reader.start()
        blast(program, bare.getsockname()[1])
        done.set()
        reader.join()
    return received
