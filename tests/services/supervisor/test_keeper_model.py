"""Any history of wishes, crashes and time keeps a server sound, and leads where it should once things calm down."""

import itertools

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.errors import AddressInUse
from services.supervisor.states import AT_REST, MOVES, State

WITH_WORKER = {State.STARTING, State.RUNNING, State.STOPPING}


def model(house_of, spec):
    """The state machine that plays with one server; made here because hypothesis knows no fixtures."""

    class History(RuleBasedStateMachine):
        @initialize(restart=st.sampled_from(["never", "on-failure", "always"]), running=st.booleans())
        def begin(self, restart, running):
            self.house = house_of()
            self.wanted = self.house.wanted(restart=restart, running=running)
            self.keeper = self.house.keeper(restart=restart, running=running)

        def teardown(self):
            if hasattr(self, "house"):
                self.calm_down()
                for sock in self.house.sockets:
                    sock.close()

        # What people do

        @rule(running=st.booleans())
        def ask(self, running):
            self.heed(running=running, asked=self.wanted.asked + 1)

        @rule(
            port=st.integers(9000, 9002),
            text=st.sampled_from(["", "hello"]),
            restart=st.sampled_from(["never", "always"]),
        )
        def edit(self, port, text, restart):
            self.heed(spec=spec(port=port, text=text), restart=restart, revision=self.wanted.revision + 1)

        @rule()
        def hear_again(self):
            before = len(self.house.journal.moves)
            self.keeper.heed(self.wanted)
            assert len(self.house.journal.moves) == before

        @rule(refused=st.booleans())
        def occupy(self, refused):
            self.house.refusal = AddressInUse("in use") if refused else None

        @rule()
        def open_slowly(self):
            if self.house.opens_later is None:
                self.house.opens_later = []

        @rule()
        def open_now(self):
            waiting, self.house.opens_later = self.house.opens_later or [], None
            for opened in waiting:
                opened()

        # What workers do

        @precondition(lambda self: self.living)
        @rule()
        def get_ready(self):
            if self.keeper.state is not State.RUNNING:
                self.living[0].ready()

        @precondition(lambda self: self.living)
        @rule(code=st.sampled_from([0, 1, None]))
        def end(self, code):
            self.living[0].end(code=code, signal=9 if code is None else None)

        @precondition(lambda self: self.living)
        @rule()
        def speak(self):
            self.living[0].speak()

        @rule(seconds=st.sampled_from([0.01, 0.3, 1.9, 2.1, 11.0, 40.0]))
        def pass_time(self, seconds):
            self.house.clock.advance(seconds)
            for worker in self.living:
                if worker.killed:
                    worker.end(signal=9)

        # What holds at any moment

        @invariant()
        def at_most_one_worker_lives_and_only_where_the_state_allows(self):
            assert len(self.living) == (self.keeper.worker is not None) <= 1
            assert not self.living or self.keeper.state in WITH_WORKER
            assert self.keeper.state is not State.RUNNING or self.living

        @invariant()
        def a_socket_is_open_exactly_while_somebody_is_served(self):
            state = self.keeper.state
            assert self.house.open_sockets <= 1
            assert not self.house.open_sockets or state not in AT_REST
            assert self.house.open_sockets or state is not State.RUNNING
            assert self.house.open_sockets or state is not State.BACKOFF

        @invariant()
        def every_move_was_allowed_and_follows_the_one_before(self):
            moves = self.house.journal.moves
            assert all(moved.new in MOVES[moved.old].values() for moved in moves)
            assert all(one.new is two.old for one, two in itertools.pairwise(moves))
            assert all(one.asked <= two.asked for one, two in itertools.pairwise(moves))

        @invariant()
        def runs_are_numbered_and_each_ends_before_the_next(self):
            started, ended = self.house.journal.started, self.house.journal.ended
            assert [run.run for run in started] == list(range(1, len(started) + 1))
            assert [run.run for run in ended] == list(range(1, len(started) - len(self.living) + 1))

        # Where it leads

        def calm_down(self):
            """Nobody asks any more, addresses are free, and workers do what they should: it is as wanted, or given up."""
            self.occupy(False)
            self.open_now()
            for _ in range(40):
                for worker in self.living:
                    if worker.terminated or worker.killed:
                        worker.end(code=0)
                    elif self.keeper.state is State.STARTING:
                        worker.ready()
                    worker.speak()
                self.house.clock.advance(5)
                self.open_now()
            allowed = {State.RUNNING, State.EXITED, State.FATAL} if self.wanted.running else AT_REST
            assert self.keeper.state in allowed
            if self.keeper.state is State.RUNNING:
                assert self.living[0].launch.spec == self.wanted.spec
            self.heed(running=True, asked=self.wanted.asked + 1)
            self.settle_running()

        def settle_running(self):
            for _ in range(4):
                for worker in self.living:
                    if worker.terminated:
                        worker.end(code=0)
                    elif self.keeper.state is State.STARTING:
                        worker.ready()
            assert self.keeper.state is State.RUNNING
            assert self.house.journal.moves[-1].asked == self.wanted.asked

        @property
        def living(self):
            return [worker for worker in self.house.workers if worker.is_alive] if hasattr(self, "house") else []

        def heed(self, **changes):
            self.wanted = msgspec.structs.replace(self.wanted, **changes)
            self.keeper.heed(self.wanted)

    return History


@pytest.mark.timeout(120)
def test_any_history_is_sound(house, spec, timings):
    history = model(lambda: type(house)(timings), spec)
    history.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
    history.TestCase("runTest").runTest()
