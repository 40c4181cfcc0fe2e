"""The import map: every module of ours under its bare name, hashed addresses, the page's nonce."""

import json
import re

from django.template import Context, Template
from django.test import RequestFactory

from sockpanel.templatetags.importmap import modules
from tests.sources import CHECKOUT

IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")


def render(**attributes: str) -> str:
    request = RequestFactory().get("/")
    for name, value in attributes.items():
        setattr(request, name, value)
    return Template("{% load importmap %}{% importmap %}").render(Context({"request": request}))


def imports(html: str) -> dict[str, str]:
    return json.loads(re.sub(r"<[^>]+>", "", html))["imports"]


SCRIPT = CHECKOUT / "static" / "js"
PARTS = [folder.name for folder in SCRIPT.iterdir() if folder.is_dir()]


def test_a_module_in_a_folder_has_the_folder_in_its_name():
    ours = {name: path for part in PARTS for name, path in modules(part).items() if name.startswith("app/")}
    assert {f"static/{path}" for path in ours.values()} == {
        path.relative_to(CHECKOUT).as_posix() for path in SCRIPT.rglob("*.js")
    }
    assert all(path == f"js/{name.removeprefix('app/')}.js" for name, path in ours.items())


def test_a_folder_is_only_in_the_maps_of_its_own_pages():
    assert "@xterm/xterm" in modules("commands")
    assert "app/commands/words" in modules("commands")
    assert not {name for name in modules() if name.startswith(("@xterm", "app/commands/"))}
    assert modules().items() <= modules("commands").items()


def test_names_lead_to_hashed_files():
    found = imports(render())
    assert found.keys() == modules().keys()
    assert re.fullmatch(r"/static/vendor/uplot/uPlot\.esm\.[0-9a-f]{12}\.js", found["uplot"])


def test_the_script_carries_the_nonce_of_the_page():
    assert render(csp_nonce="abc").startswith('<script type="importmap" nonce="abc">')
    assert render().startswith('<script type="importmap">')


def test_nothing_in_it_can_end_the_script():
    body = render().removeprefix('<script type="importmap">').removesuffix("</script>")
    assert not set(body) & set("<>&")


def test_every_import_of_our_script_is_a_name_of_the_map():
    for path in SCRIPT.rglob("*.js"):
        part = path.parent.relative_to(SCRIPT).as_posix().removeprefix(".")
        for name in IMPORTED.findall(path.read_text(encoding="utf-8")):
            assert name in modules(part), f"{path.name} imports {name}"
