"""Who may try to sign in: not those who are kept out, and not too many strangers at once (OpenSSH's MaxStartups). It knows no socket.

admission.refusal(address)  # "" or why, in a few words; then `entered`, and one of `signed_in`, `failed`, `left`
"""

import random
from collections.abc import Callable

from services.servers.commands.keys import Address
from services.servers.commands.penalties import FAILURE, SILENCE, Penalties

GRACE = 10.0  # seconds to sign in
BEGIN, RATE, FULL = (
    10,
    30,
    100,
)  # from BEGIN strangers on, RATE percent of the new ones are refused; more and more, all from FULL on


class Admission:
    """Counts those who have not signed in. This machine's own are never refused by chance: the panel is one of them."""

    def __init__(self, penalties: Penalties, chance: Callable[[], float] = random.random) -> None:
        self.penalties = penalties
        self._chance = chance
        self._strangers = {True: 0, False: 0}  # on loopback, and from elsewhere: neither can crowd out the other

    def refusal(self, address: Address) -> str:
        """Why nobody is let in from `address` now; empty: somebody may try."""
        if self.penalties.bars(address):
            return "is kept out after failed sign-ins"
        strangers = self._strangers[address.is_loopback]
        if strangers >= FULL:
            return f"came while {FULL} others were signing in"
        if address.is_loopback or strangers < BEGIN:
            return ""
        share = RATE + (100 - RATE) * (strangers - BEGIN) / (FULL - BEGIN)
        return f"came while {strangers} others were signing in" if 100 * self._chance() < share else ""

    def entered(self, address: Address) -> None:
        """Somebody may try; tell how it went by one of the next three."""
        self._strangers[address.is_loopback] += 1

    def signed_in(self, address: Address) -> None:
        """No stranger any more."""
        self._strangers[address.is_loopback] -= 1

    def failed(self, address: Address) -> bool:
        """A wrong answer, or none in time. Whether the source is kept out from now on."""
        self._strangers[address.is_loopback] -= 1
        return self.penalties.add(address, FAILURE)

    def left(self, address: Address) -> bool:
        """Gone without an attempt. Whether the source is kept out from now on."""
        self._strangers[address.is_loopback] -= 1
        return self.penalties.add(address, SILENCE)
