"""Icons: inlined, named where they stand alone, and read from nowhere but their folder."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import Context, Template, TemplateSyntaxError

from sockpanel.pages.outcomes import BUSY, outcome
from sockpanel.pages.states import STATES
from sockpanel.templatetags import icons
from sockpanel.templatetags.icons import icon
from tests.sources import CHECKOUT

NAMED = re.compile(r"""\{%\s*icon\s+["']([^"']+)["']""")


def render(tag: str, **context: str) -> str:
    return Template("{% load icons %}" + tag).render(Context(context))


def test_an_icon_is_drawn_in_the_colour_of_the_text():
    svg = render('{% icon "play-fill" %}')
    assert svg.startswith('<svg class="icon"')
    assert 'fill="currentColor"' in svg
    assert '<path d="' in svg


def test_beside_a_word_it_is_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in render('{% icon "stop-fill" %}')


def test_alone_it_carries_its_name_and_the_name_is_escaped():
    svg = render('{% icon "stop-fill" label=label %}', label='Stop "lab" <b>')
    assert 'role="img" aria-label="Stop &quot;lab&quot; &lt;b&gt;"' in svg
    assert "aria-hidden" not in svg


def test_classes_are_added_and_escaped():
    assert '<svg class="icon icon-lg&quot;"' in render('{% icon "stop-fill" classes=classes %}', classes='icon-lg"')


@pytest.mark.parametrize(
    "name", ["", "no-such-icon", "../package", "../icons/play-fill", "play-fill.svg", "/etc/passwd"]
)
def test_a_name_that_the_package_does_not_have_is_refused(name: str):
    with pytest.raises(TemplateSyntaxError, match="has no icon"):
        icon(name)


def test_every_icon_that_a_template_names_exists():
    for path in (CHECKOUT / "templates").rglob("*.html"):
        for name in NAMED.findall(path.read_text(encoding="utf-8")):
            assert icon(name), path


@pytest.fixture
def package(settings, tmp_path: Path) -> Iterator[Path]:
    """A copy of the package's icons; nothing of it has been read."""
    own = tmp_path / "bootstrap-icons" / "icons"
    shutil.copytree(icons._folder(), own)
    settings.SOCKPANEL_NODE_MODULES = tmp_path
    for once in (icons._read, icons._names):
        once.cache_clear()
    yield own
    for once in (icons._read, icons._names):
        once.cache_clear()


def test_what_pages_show_is_read_before_the_package_may_go(package: Path):
    icons.read_named()
    shutil.rmtree(package)
    ends = [{"ended_at": "now", "exit_code": code, "signal": None, "why": ""} for code in (0, 1)]
    shown = [*STATES.values(), *BUSY.values(), *map(outcome, ends)]
    named = {name for path in (CHECKOUT / "templates").rglob("*.html") for name in NAMED.findall(path.read_text())}
    for name in named | {one.icon for one in shown} | {"play-fill", "arrow-clockwise"}:
        assert "/></svg>" in icon(name), name


def test_what_can_be_read_no_more_is_left_blank(package: Path):
    shutil.rmtree(package)
    icons.read_named()
    assert icon("play-fill", label="Start").endswith('role="img" aria-label="Start"></svg>')
