"""What the tests' own processes do not do in earnest, for it takes half of their time. The processes that tests start do.

A password's hash is to take a quarter of a second of a core, which is its point and nobody's here; and WhiteNoise looks at each
collected file (800 of them) whenever a Django test client is made, where one look does for all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.hashers import ScryptPasswordHasher as Scrypt
from whitenoise.base import WhiteNoise

_look = WhiteNoise.update_files_dictionary
_seen: dict[Any, dict[str, Any]] = {}
_cost = Scrypt.work_factor, Scrypt.parallelism


def make_haste() -> None:
    """From now on."""
    Scrypt.work_factor, Scrypt.parallelism = 2, 1
    WhiteNoise.update_files_dictionary = _remembered


@contextmanager
def in_earnest() -> Iterator[None]:
    """Passwords are hashed as they are everywhere else."""
    hasty = Scrypt.work_factor, Scrypt.parallelism
    Scrypt.work_factor, Scrypt.parallelism = _cost
    try:
        yield
    finally:
        Scrypt.work_factor, Scrypt.parallelism = hasty


def _remembered(self: WhiteNoise, root: str, prefix: str) -> None:
    """The files that somebody with the same settings found there."""
    words = (type(self), self.max_age, self.allow_all_origins, self.charset, self.add_headers_function, root, prefix)
    if words not in _seen:
        former, self.files = self.files, {}
        _look(self, root, prefix)
        _seen[words], self.files = self.files, former
    self.files.update(_seen[words])
