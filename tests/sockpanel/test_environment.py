"""Settings from the environment: what makes sense is taken, the rest refused with name, value and what is allowed."""

from pathlib import Path

import pytest

from services.errors import SettingRefused
from sockpanel import environment


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Sets the variable X."""
    return lambda value: monkeypatch.setenv("X", value)


@pytest.mark.parametrize(("value", "port"), [("1", 1), ("65535", 65_535), ("", 8000)])
def test_a_port_is_taken(given, value: str, port: int):
    given(value)
    assert environment.port("X", 8000) == port


@pytest.mark.parametrize("value", ["0", "65536", "-1", "1_000", "8e3", "٨٠٠٠", "http"])
def test_a_port_that_makes_no_sense_is_refused_by_name_and_value(given, value: str):
    given(value)
    with pytest.raises(SettingRefused, match=r"X is .*1 to 65535") as refused:
        environment.port("X", 8000)
    assert repr(value) in refused.value.message


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("https://Panel.Example.org", ["https://panel.example.org"]),
        ("https://panel.example.org:443, http://panel.lan:80", ["https://panel.example.org", "http://panel.lan"]),
        ("http://[::1]:9000", ["http://[::1]:9000"]),
        ("", []),
    ],
)
def test_origins_are_written_as_browsers_write_them(given, value: str, origins: list[str]):
    given(value)
    assert environment.origins("X") == origins


@pytest.mark.parametrize(
    "value", ["*", "panel.example.org", "https://a/", "https://u@a", "ftp://a", "http://a:0", "http://a:65536"]
)
def test_an_origin_that_makes_no_sense_is_refused(given, value: str):
    given(value)
    with pytest.raises(SettingRefused):
        environment.origins("X")


@pytest.mark.parametrize("value", ["10.0.0.0/33", "10.0.0.1/8", "everyone"])
def test_a_network_that_makes_no_sense_is_refused(given, value: str):
    given(value)
    with pytest.raises(SettingRefused, match="CIDR"):
        environment.proxies("X")


@pytest.mark.parametrize("value", ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fd00::/8"])
def test_a_network_that_may_be_somebodys_own_is_taken(given, value: str):
    given(value)
    assert [str(network) for network in environment.proxies("X")] == [value]


@pytest.mark.parametrize("value", ["0.0.0.0/0", "0.0.0.0/7", "::/0", "2002::/15", "10.0.0.0/8 128.0.0.0/1", "fc00::/6"])
def test_proxies_that_hold_everybody_are_refused(given, value: str):
    """Each of them would be believed whatever address it says it has."""
    given(value)
    with pytest.raises(SettingRefused, match=r"X is .* your own proxies, .*/8 or narrower"):
        environment.proxies("X")


def test_certificate_and_key_go_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "cert.pem").touch()
    assert environment.tls("CERT", "KEY") is None
    monkeypatch.setenv("CERT", str(tmp_path / "cert.pem"))
    with pytest.raises(SettingRefused, match="KEY"):
        environment.tls("CERT", "KEY")


@pytest.mark.parametrize(
    ("value", "user"), [("", (65_534, 65_534)), ("1000", (1000, 1000)), ("1000:33", (1000, 33)), ("daemon", (1, 1))]
)
def test_commands_run_as_a_user_by_name_or_number(given, value: str, user: tuple[int, int]):
    given(value)
    assert environment.command_user("X", (65_534, 65_534)) == user


@pytest.mark.parametrize("value", ["root", "0", "0:0", "1000:0", "0:1000", "nobody-of-that-name", "-1", "1000:", "a:b"])
def test_commands_never_run_as_root_nor_as_nobody_in_particular(given, value: str):
    given(value)
    with pytest.raises(SettingRefused, match="X is "):
        environment.command_user("X", (65_534, 65_534))


@pytest.mark.parametrize(
    ("value", "expected"), [("0", 0), ("16777216", 2**24), ("16MiB", 2**24), ("20 GiB", 20 * 2**30), ("1TiB", 2**40)]
)
def test_a_size_is_a_number_of_bytes_with_or_without_a_unit(monkeypatch, value, expected):
    monkeypatch.setenv("SOCKPANEL_X", value)
    assert environment.size("SOCKPANEL_X", "10GiB", least=2**24) == expected


@pytest.mark.parametrize("value", ["16777215", "-1", "1e9", "10GB", "many", "9999999TiB", "1_000_000_000"])
def test_a_size_that_makes_no_sense_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("SOCKPANEL_X", value)
    with pytest.raises(SettingRefused, match=f"SOCKPANEL_X is '{value}'"):
        environment.size("SOCKPANEL_X", "10GiB", least=2**24)


def test_a_postgresql_server_that_vanishes_is_noticed_unless_the_url_says_otherwise():
    options = environment.postgresql("DATABASE_URL", "postgresql://panel@db/panel?connect_timeout=60")["OPTIONS"]
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == ("60", "10000")


@pytest.mark.parametrize(
    "url", ["%s://u:cana/ry@host/db", "%s://u:cana#ry@host/db", "%s://u:canary@host:12x/db", "%s://[canary"]
)
def test_no_piece_of_a_password_is_told_whatever_is_wrong_with_its_url(monkeypatch, url):
    monkeypatch.setenv("REDIS_URL", url % "redis")
    for ask in (
        lambda: environment.postgresql("DATABASE_URL", url % "postgresql"),
        lambda: environment.redis("REDIS_URL"),
    ):
        with pytest.raises(SettingRefused, match=r"_URL is '\*\*\*'") as refused:
            ask()
        assert "cana" not in str(refused.value)
        assert refused.value.__cause__ is None


def test_a_redis_server_is_named_by_its_url_or_not_at_all(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert environment.redis("REDIS_URL") == ""
    monkeypatch.setenv("REDIS_URL", "redis://:a%2Fb@127.0.0.1:6379/1")
    assert environment.redis("REDIS_URL") == "redis://:a%2Fb@127.0.0.1:6379/1"
