"""Hashing that takes no time."""

from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that was hashed; hashing is quick here."""
    seen: list[str] = []

    def encode(self: Any, password: str, salt: str, *args: Any) -> str:
        seen.append(password)
        return f"scrypt$1${salt}$1$1${password[::-1]}"

    def verify(self: Any, password: str, encoded: str) -> bool:
        return encoded == encode(self, password, encoded.split("$")[2])

    monkeypatch.setattr(ScryptPasswordHasher, "encode", encode)
    monkeypatch.setattr(ScryptPasswordHasher, "verify", verify)
    monkeypatch.setattr(ScryptPasswordHasher, "must_update", lambda self, encoded: False)
    return seen
