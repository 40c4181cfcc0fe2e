"""Passwords guessed 50 times a second, each from an address of its own: what pages and an honest sign-in notice of it."""

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.product import PASSWORD, USER, Product, percentile
from tests.sockpanel.visitor import Visitor

RATE, SECONDS = 50, 10


def guesses(product: Product, long: bool) -> list[Figure]:
    admin = Visitor("127.0.0.1", product.port)
    admin.sign_in(USER, PASSWORD)
    quiet = _pages(admin, 3.0)
    with _guessing(product.port) as statuses:
        disturbed = _pages(admin, SECONDS)
    what = f"the home page while {RATE} passwords a second are guessed for {SECONDS} s"
    return [
        Figure("the home page before: 99th percentile", percentile(quiet, 0.99) * 1000, "ms"),
        Figure(f"{what}: median", percentile(disturbed, 0.5) * 1000, "ms"),
        at_most(f"{what}: 99th percentile", percentile(disturbed, 0.99) * 1000, "ms", 500),
        Figure("guesses that were looked at", statuses[400]),
        Figure("guesses that were sent away unseen", statuses[429]),
    ]


def _pages(visitor: Visitor, seconds: float) -> list[float]:
    """Seconds that each of them took, one after the other."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        if visitor.get("/servers/").status != 200:
            raise RuntimeError("The home page did not come.")
        took.append(time.monotonic() - began)
        time.sleep(0.02)
    return took


@contextmanager
def _guessing(port: int) -> Iterator[Counter[int]]:
    """Meanwhile; counts the answers by their status."""
    statuses: Counter[int] = Counter()
    page = (stranger := Visitor("127.0.0.1", port)).get("/login/").text
    secret = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
    if secret is None:
        raise RuntimeError("The sign-in page has no form.")
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in stranger.cookies.items()),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    over = threading.Event()

    def guess(number: int) -> None:
        form = {"username": f"user{number % 7}", "password": f"wrong {number}", "csrfmiddlewaretoken": secret[1]}
        source = f"127.{number % 200 + 1}.{number // 200 % 250}.{number % 250 + 1}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
        try:
            connection.request("POST", "/login/", urlencode(form), headers)
            statuses[connection.getresponse().status] += 1
        finally:
            connection.close()

    def drive() -> None:
        began, guessers = time.monotonic(), []
        while not over.wait(max(0.0, began + len(guessers) / RATE - time.monotonic())):
            guessers.append(threading.Thread(target=guess, args=(len(guessers),)))
            guessers[-1].start()
        for guesser in guessers:
            guesser.join()

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield statuses
    finally:
        over.set()
        driver.join()
