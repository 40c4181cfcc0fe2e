"""`./run bench`: measures a fresh Sockpanel, each benchmark one of its own, and prints the tables of docs/performance.md."""

import argparse
import sys

from tests.benchmarks import rivals, written
from tests.benchmarks.figures import Figure, machine, table
from tests.benchmarks.product import product
from tests.benchmarks.registry import BENCHMARKS

LONG = "hold 10,000 connections for ten minutes, and look at 10,000,000 messages"
PEERS = "install mitmproxy into .build/mitmproxy first, to be measured beside ours (now and whenever it is there)"
WRITE = "put the tables into docs/performance.md"
HELP = f"Measure a fresh Sockpanel on this machine: {', '.join(BENCHMARKS)}. All of them take about five minutes."


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench", description=HELP)
    parser.add_argument("--only", metavar="NAME", action="append", choices=BENCHMARKS, help="this one; may be repeated")
    parser.add_argument("--long", action="store_true", help=LONG)
    parser.add_argument("--peers", action="store_true", help=PEERS)
    parser.add_argument("--write", action="store_true", help=WRITE)
    options = parser.parse_args()
    if options.peers:
        rivals.install_mitmproxy()
    missed = [figure for name in options.only or BENCHMARKS for figure in measured(name, options.long, options.write)]
    for figure in missed:
        print(f"Not reached: {figure.what}: {figure.shown} ({figure.goal})", file=sys.stderr)


def measured(name: str, long: bool, write: bool) -> list[Figure]:
    """Runs one, prints its table; what it has not reached."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    with product() as running:
        figures = BENCHMARKS[name](running, long)
    section = f"On {machine()}:\n\n{table(figures)}"
    print(f"## {name}\n\n{section}\n", flush=True)
    if write:
        written.put(name, section)
    return [figure for figure in figures if figure.is_met is False]


main()
