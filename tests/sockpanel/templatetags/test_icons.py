"""Icons: inlined, named where they stand alone, and read from nowhere but their folder."""

import re

import pytest
from django.template import Context, Template, TemplateSyntaxError

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
