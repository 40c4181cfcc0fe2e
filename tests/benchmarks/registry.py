"""Every benchmark by its name: what it does to a product that is all its own, longer when asked, and the figures that come of it."""

from collections.abc import Callable

from tests.benchmarks import commands, crowd, datagrams, echo, guesses, history, hold, kills, live, many, pages, workers
from tests.benchmarks.figures import Figure
from tests.benchmarks.product import Product

BENCHMARKS: dict[str, Callable[[Product, bool], list[Figure]]] = {
    "echo": echo.echo,
    "udp": datagrams.udp,
    "hold": hold.hold,
    "many": many.many,
    "crowd": crowd.crowd,
    "kill": kills.kill,
    "history": history.history,
    "start": workers.start,
    "live": live.live,
    "pages": pages.pages,
    "commands": commands.commands,
    "guesses": guesses.guesses,
}
