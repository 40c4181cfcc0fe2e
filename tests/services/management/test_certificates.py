"""`manage.py certificates`: the same as the page, for a shell; keys are read from files and never printed."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from services.models import Certificate
from services.tls import own
from tests.services.tls import making

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    settings.SOCKPANEL_DATA_DIR = tmp_path / "data"
    settings.SOCKPANEL_DATA_DIR.mkdir(mode=0o700)


def lay(folder: Path, made: making.Pair, passphrase: str = "") -> list[str]:
    (folder / "chain.pem").write_text(made.chain)
    (folder / "key.pem").write_text(made.encrypted(passphrase) if passphrase else made.key_text)
    return ["--chain", str(folder / "chain.pem"), "--key", str(folder / "key.pem")]


async def test_one_is_made_listed_renewed_and_removed(manage: Any) -> None:
    assert (await manage("certificates", "list")).out.startswith("There are no certificates yet")
    made = await manage("certificates", "make", "lab", "--for", "lab.lan", "--for", "192.0.2.7")
    assert (made.code, made.out.startswith("Made lab: for lab.lan, 192.0.2.7, until 20")) == (0, True)
    listed = await manage("certificates", "list", "--json")
    assert [one["name"] for one in listed.json["certificates"]] == ["lab", "sockpanel-ca"]
    assert "PRIVATE" not in listed.out
    assert "lab.lan, 192.0.2.7" in (await manage("certificates", "list")).out
    assert (await manage("certificates", "renew", "lab", "--json")).json["certificates"][0]["revision"] == 2
    assert (await manage("certificates", "remove", "lab")).code == 0
    assert (await manage("certificates", "remove", "lab")).code == 1


async def test_without_names_it_is_for_what_this_machine_is_called(manage: Any) -> None:
    made = await manage("certificates", "make", "lab", "--json")
    assert {"localhost", "127.0.0.1", "::1"} <= set(made.json["names"])


async def test_a_pair_of_files_is_taken_and_a_wrong_one_refused(manage: Any, tmp_path: Path) -> None:
    pair = making.pair()
    taken = await manage("certificates", "upload", "lab", *lay(tmp_path, pair), "--json")
    assert (taken.json["subject"], taken.json["chain"], taken.json["has_key"]) == ("CN=lab", pair.chain, True)
    wrong = await manage("certificates", "upload", "lab2", *lay(tmp_path, pair._replace(key=making.pair().key)))
    assert (wrong.code, "bring the pair" in wrong.err) == (1, True)
    away = await manage("certificates", "upload", "lab3", "--chain", "/no/such.pem")
    assert (away.code, "cannot be read" in away.err) == (1, True)


async def test_a_passphrase_comes_from_a_file(manage: Any, tmp_path: Path) -> None:
    files = lay(tmp_path, making.pair(), "open sesame")
    assert "give its passphrase" in (await manage("certificates", "upload", "lab", *files)).err
    (tmp_path / "word").write_text("open sesame\n")
    taken = await manage("certificates", "upload", "lab", *files, "--passphrase-file", str(tmp_path / "word"))
    assert taken.code == 0


async def test_what_is_due_is_renewed_for_cron(manage: Any) -> None:
    await manage("certificates", "make", "lab")
    assert "None of the panel's own ends soon" in (await manage("certificates", "renew", "--due")).out
    row = await Certificate.objects.aget(name="lab")
    await Certificate.objects.filter(name="lab").aupdate(ends_at=row.begins_at)
    assert "lab" in (await manage("certificates", "list")).out.partition("(over)")[0]
    assert (await manage("certificates", "renew", "--due")).out.startswith("Renewed lab")
    assert "Name the certificates" in (await manage("certificates", "renew")).err


@pytest.mark.parametrize("asked", [["--due"], ["bank", "lab"]])
async def test_one_that_is_refused_does_not_let_the_others_end(manage: Any, asked: list[str]) -> None:
    """As after the authority was made anew without a name that it vouched for."""
    await manage("certificates", "ca", "--new", "--for", "bank.example.org")
    for name, place in (("bank", "bank.example.org"), ("lab", "lab.lan")):
        await manage("certificates", "make", name, "--for", place)
    await manage("certificates", "ca", "--new")
    await Certificate.objects.filter(is_own=True).aupdate(ends_at=F("begins_at"))
    done = await manage("certificates", "renew", *asked)
    assert (done.code, done.out.startswith("Renewed lab"), "bank" in done.out) == (1, True, False)
    assert done.err.startswith("bank was not renewed. The panel's own authority may not vouch for bank.example.org")
    again = await manage("certificates", "renew", *asked, "--json")
    assert (again.code, [one["name"] for one in again.json["refused"]]) == (1, ["bank"])


async def test_the_authority_is_printed_for_clients_to_trust(manage: Any) -> None:
    first = (await manage("certificates", "ca")).out
    assert first == (await Certificate.objects.aget(name=own.AUTHORITY)).chain
    assert (await manage("certificates", "ca")).out == first
    assert (await manage("certificates", "ca", "--new", "--for", "example.com")).out != first
    assert "give --new too" in (await manage("certificates", "ca", "--for", "example.com")).err
    assert (await manage("certificates", "make", "web", "--for", "www.example.com")).code == 0


async def test_a_client_gets_its_certificate_once_and_openssl_believes_it(manage: Any, tmp_path: Path) -> None:
    printed = (await manage("certificates", "client", "laptop")).out
    (tmp_path / "laptop.pem").write_text(printed)
    (tmp_path / "ca.pem").write_text((await manage("certificates", "ca")).out)
    command = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", "ca.pem", "laptop.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "laptop.pem: OK\n")
    assert "PRIVATE KEY" in printed
    assert not await Certificate.objects.filter(name="laptop").aexists()
    assert (await manage("certificates", "client", "A B")).code == 1
