"""The waiter itself: it returns the answer, and it gives up."""

import itertools

import pytest

from tests.waiting import deadline, eventually, eventually_async


def test_the_first_true_answer_is_returned():
    answers = iter([None, 0, "", "yes"])
    assert eventually(lambda: next(answers)) == "yes"


def test_a_probe_that_never_says_yes_fails_with_its_last_answer():
    with pytest.raises(AssertionError, match=r"not within 0\.05 s; the last answer was \[\]"):
        eventually(list, within=0.05)


async def test_a_coroutine_function_may_be_the_probe():
    numbers = itertools.count()

    async def probe() -> bool:
        return next(numbers) == 3

    assert await eventually_async(probe)


async def test_a_block_that_takes_too_long_is_cut():
    with pytest.raises(TimeoutError):
        async with deadline(0.05):
            await eventually_async(list)
