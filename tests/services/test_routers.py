"""Two databases share nothing; where both names lead to one, it has every table."""

import pytest
from django.db import connections

from services.routers import TwoDatabases

CASES = [("default", "server", True), ("default", "message", False), ("messages", "message", True)]


@pytest.mark.parametrize(("alias", "model", "allowed"), CASES)
def test_each_table_is_made_in_its_own_database(alias, model, allowed):
    assert TwoDatabases().allow_migrate(alias, "services", model) is allowed


@pytest.mark.parametrize(("alias", "model", "allowed"), CASES)
def test_one_database_for_both_gets_every_table_from_its_one_list_of_migrations(monkeypatch, alias, model, allowed):
    for name in ("ENGINE", "HOST", "PORT", "NAME"):
        monkeypatch.setitem(connections["messages"].settings_dict, name, connections["default"].settings_dict[name])
    assert TwoDatabases().allow_migrate(alias, "services", model)
