"""The parent inside the cage keeps house while the command runs."""

import signal

from tests.services.servers.commands.caged import Ran, alive, run, sh, unique


async def test_orphans_that_have_ended_do_not_count_among_the_processes_of_a_command():
    """Each would, until somebody waits for it: 200 of them where 60 are allowed."""
    line = "i=0; while [ $i -lt 200 ]; do (setsid true &); i=$((i+1)); done; echo all"
    ran, ended = await run(sh(line, processes=60))
    assert (ran.stdout, ran.stderr, ended.code) == ("all\n", "", 0)


async def test_the_last_word_is_about_the_command_and_not_about_its_orphans():
    _, ended = await run(sh("(sh -c 'exit 9' &); (sh -c 'kill -TERM $$' &); exit 3"))
    assert (ended.code, ended.signal) == (3, None)


async def test_what_a_command_leaves_behind_is_ended_and_does_not_change_its_status():
    mark = unique()
    _, ended = await run(sh(f"trap '' TERM; setsid sleep {mark} & (setsid sleep {mark} &); exit 4"))
    assert (ended.code, alive(f"sleep\0{mark}\0")) == (4, [])


async def test_a_command_that_began_is_told_before_it_ended():
    heard: list[str] = []
    for _ in range(5):
        ran = Ran(sh("true"))
        ran.running._started = lambda: heard.append("began")
        await ran.ended()
        heard.append("ended")
    assert heard == ["began", "ended"] * 5


async def test_a_command_may_be_ended_before_it_has_begun():
    heard: list[str] = []
    ran = Ran(sh("sleep 30"))
    ran.running._started = lambda: heard.append("began")
    ran.running.cancel("changed my mind")
    ended = await ran.ended(2)
    assert (ended.why, ended.code) == ("changed my mind", None)
    assert ended.signal == signal.SIGKILL
