"""Passwords are hashed by two threads and no more, which step back for everything else: a hash takes a quarter of a second of a core.

`settings.PASSWORD_HASHERS` names it. What it makes is Django's own scrypt.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.contrib.auth.hashers import ScryptPasswordHasher

AT_ONCE = 2
NICER = 3  # than pages and servers


def _step_back() -> None:
    with suppress(OSError):  # Linux knows priorities of threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICER)


_hands = ThreadPoolExecutor(AT_ONCE, "hashing", initializer=_step_back)


class Scrypt(ScryptPasswordHasher):
    """Django's, done by those threads."""

    def encode(self, *words: Any, **named: Any) -> str:
        return _hands.submit(super().encode, *words, **named).result()
