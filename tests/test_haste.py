"""Haste changes how long a thing takes, and nothing else."""

from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password
from whitenoise.base import WhiteNoise

from tests.haste import in_earnest


def test_one_look_at_the_files_does_for_all_who_would_see_the_same(tmp_path: Path):
    (tmp_path / "app.js").write_text("first")
    first = WhiteNoise(None, tmp_path, "static").files
    assert list(first) == ["/static/app.js"]
    (tmp_path / "late.js").write_text("second")
    assert WhiteNoise(None, tmp_path, "static").files == first
    other = WhiteNoise(None, tmp_path, "static", max_age=7).files
    assert list(other) == ["/static/app.js", "/static/late.js"]


def test_a_hash_costs_as_much_as_ever_in_earnest_and_both_are_known():
    hasty = make_password("correct horse")
    with in_earnest():
        earnest = make_password("correct horse")
        assert check_password("correct horse", hasty)
    assert check_password("correct horse", earnest)
    assert [words.split("$")[1:5:3] for words in (hasty, earnest)] == [["2", "1"], ["16384", "5"]]
