"""Passwords are hashed as Django does it, by two threads that step back for everything else."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher, check_password, get_hasher, make_password

from sockpanel.accounts import hashing
from tests.haste import in_earnest


def test_what_django_hashed_is_still_known_and_the_other_way_round():
    with in_earnest():
        theirs = ScryptPasswordHasher().encode("correct horse", "c2FsdA")
        assert check_password("correct horse", theirs)
        assert not check_password("wrong", theirs)
        assert ScryptPasswordHasher().verify("correct horse", make_password("correct horse"))
    assert isinstance(get_hasher(), hashing.Scrypt)


def test_two_hash_at_a_time_and_they_are_nicer_than_the_others(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[str, int]] = []
    both = threading.Barrier(hashing.AT_ONCE)

    def encode(self: Any, *words: Any) -> str:
        both.wait(10)  # a third one at the same time would break the pairs
        seen.append((threading.current_thread().name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        return ""

    monkeypatch.setattr(ScryptPasswordHasher, "encode", encode)
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _: hashing.Scrypt().encode("x", "y"), range(8)))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {priority for _, priority in seen} == {min(19, own + hashing.NICER)}
    assert len({name for name, _ in seen}) == hashing.AT_ONCE
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
