"""The table of states: what moves, what does not, and what the words are."""

import itertools

import pytest

from services.errors import MoveRefused
from services.supervisor.states import AT_REST, MOVES, Event, Machine, State


def machine_in(state):
    machine = Machine()
    machine.state = state
    return machine


def test_the_states_carry_the_words_of_the_field():
    assert [state.value for state in State] == [
        "STOPPED",
        "STARTING",
        "RUNNING",
        "BACKOFF",
        "STOPPING",
        "EXITED",
        "FATAL",
    ]


@pytest.mark.parametrize(
    ("state", "event", "new"),
    [
        ("STOPPED", "start", "STARTING"),
        ("STARTING", "ready", "RUNNING"),
        ("STARTING", "crashed", "BACKOFF"),
        ("STARTING", "ended", "EXITED"),
        ("STARTING", "refused", "FATAL"),
        ("STARTING", "stop", "STOPPING"),
        ("RUNNING", "ended", "EXITED"),
        ("RUNNING", "crashed", "BACKOFF"),
        ("RUNNING", "stop", "STOPPING"),
        ("BACKOFF", "retry", "STARTING"),
        ("BACKOFF", "start", "STARTING"),
        ("BACKOFF", "give up", "FATAL"),
        ("BACKOFF", "stop", "STOPPED"),
        ("STOPPING", "gone", "STOPPED"),
        ("EXITED", "start", "STARTING"),
        ("FATAL", "start", "STARTING"),
    ],
)
def test_an_allowed_move_is_made(state, event, new):
    machine = machine_in(State(state))
    assert machine.move(Event(event)) is State(new) is machine.state


def test_every_other_move_is_refused_by_name_and_changes_nothing():
    for state, event in itertools.product(State, Event):
        if event in MOVES[state]:
            continue
        machine = machine_in(state)
        with pytest.raises(MoveRefused, match=rf'{state} does not know "{event.value}"'):
            machine.move(event)
        assert machine.state is state


def test_a_server_at_rest_only_moves_when_somebody_starts_it():
    assert {state for state in State if set(MOVES[state]) == {Event.START}} == AT_REST
