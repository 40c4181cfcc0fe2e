"""Third-party files: the chosen ones are found, nothing else is, and a missing npm ci is told with its remedy."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.templatetags.static import static

from sockpanel.vendor import FILES, MODULES, VendorFinder
from tests.sources import CHECKOUT


@pytest.mark.parametrize("name", FILES)
def test_a_chosen_file_is_found_under_vendor(name: str):
    found = finders.find(f"vendor/{name}")
    assert Path(found or "nowhere").name == Path(name).name


@pytest.mark.parametrize(
    "path",
    [
        "uplot/uPlot.esm.js",
        "vendor/uplot/uPlot.cjs.js",
        "vendor/../package.json",
        "vendor/uplot/../../package.json",
        "vendor//uplot/uPlot.esm.js",
        "vendor/",
        "vendor",
    ],
)
def test_nothing_else_is_found(path: str):
    assert VendorFinder().find(path) is None
    assert VendorFinder().find(path, find_all=True) == []


def test_every_module_of_the_import_map_is_a_chosen_file():
    assert {path for named in MODULES.values() for path in named.values()} <= set(FILES)


def test_a_source_map_comes_with_the_file_that_names_it():
    for name in (name for name in FILES if not name.endswith(".map")):
        text = Path(finders.find(f"vendor/{name}")).read_text(encoding="utf-8")
        named = text.rpartition("sourceMappingURL=")[2].split()[0] if "sourceMappingURL=" in text else ""
        assert not named or f"{name.rpartition('/')[0]}/{named}" in FILES


def test_collected_files_carry_their_hash_and_are_compressed(tmp_path: Path, settings):
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    hashed = staticfiles_storage.stored_name("vendor/tabler/tabler.min.css")
    assert hashed != "vendor/tabler/tabler.min.css"
    assert (tmp_path / hashed).stat().st_size > 5 * (tmp_path / f"{hashed}.gz").stat().st_size


def test_a_missing_npm_ci_is_told_with_its_remedy(tmp_path: Path, settings):
    settings.SOCKPANEL_NODE_MODULES = tmp_path
    with pytest.raises(SystemCheckError, match=r"(?s)tabler\.min\.css is missing.*Run \./run setup"):
        call_command("check", stderr=StringIO())


@pytest.mark.django_db(databases=["default", "messages"])
def test_a_hashed_file_is_served_for_ever_and_to_our_own_pages_only(client):
    response = client.get(static("vendor/uplot/uPlot.min.css"), headers={"accept-encoding": "gzip"})
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Access-Control-Allow-Origin" not in response.headers
    response.close()


def test_every_static_file_that_a_template_names_exists():
    for path in (CHECKOUT / "templates").rglob("*.html"):
        for name in re.findall(r"""\{%\s*static\s+["']([^"']+)["']""", path.read_text(encoding="utf-8")):
            assert finders.find(name), f"{path.name} names {name}"
