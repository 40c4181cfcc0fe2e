"""`./run bench [NAME ...]`: measures a fresh Sockpanel and prints the table of docs/performance.md."""

import argparse
import sys

from tests.benchmarks import commands, datagrams, live, pages, workers
from tests.benchmarks.figures import Figure, machine, table
from tests.benchmarks.product import product

BENCHMARKS = {
    "start": workers.start,
    "kill": workers.kill,
    "many": workers.many,
    "live": live.live,
    "udp": datagrams.udp,
    "pages": pages.pages,
    "commands": commands.commands,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench", description="Measure a fresh Sockpanel on this machine.")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help=f"which ones: {', '.join(BENCHMARKS)}")
    names = parser.parse_args().names or list(BENCHMARKS)
    figures: list[Figure] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        with product() as running:
            figures += BENCHMARKS[name](running)
        print(table(figures[-6:]), file=sys.stderr, flush=True)
    print(f"\nOn {machine()}:\n\n{table(figures)}")


main()
