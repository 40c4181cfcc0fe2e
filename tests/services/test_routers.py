"""Two databases share nothing; where both names lead to one, it has every table."""

from importlib import import_module
from pathlib import Path

import pytest
from django.db import connections
from django.db.migrations import RunPython, RunSQL

import services.migrations
from services.routers import TwoDatabases

CASES = [("default", "server", True), ("default", "message", False), ("messages", "message", True)]

MIGRATIONS = Path(services.migrations.__path__[0])


@pytest.mark.parametrize(("alias", "model", "allowed"), CASES)
def test_each_table_is_made_in_its_own_database(alias, model, allowed):
    assert TwoDatabases().allow_migrate(alias, "services", model) is allowed


@pytest.mark.parametrize(("alias", "model", "allowed"), CASES)
def test_one_database_for_both_gets_every_table_from_its_one_list_of_migrations(monkeypatch, alias, model, allowed):
    for name in ("ENGINE", "HOST", "PORT", "NAME"):
        monkeypatch.setitem(connections["messages"].settings_dict, name, connections["default"].settings_dict[name])
    assert TwoDatabases().allow_migrate(alias, "services", model)


@pytest.mark.parametrize("name", sorted(path.stem for path in MIGRATIONS.glob("0*.py")))
def test_whatever_a_migration_does_to_rows_names_their_model_and_so_their_database(name: str):
    """Without it Django does it in the control database alone, and never in that of the messages."""
    operations = import_module(f"services.migrations.{name}").Migration.operations
    done = [one for one in operations if isinstance(one, RunPython | RunSQL)]
    assert [one.hints.get("model_name") for one in done if not one.hints.get("model_name")] == []
