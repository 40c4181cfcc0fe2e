"""A worker's port, scanned: TLS 1.2 with forward secrecy and authenticated encryption, TLS 1.3, and nothing else."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.servers.tls_material import TlsMaterial
from tests.scanning import GOOD, accepted
from tests.services.servers.certifying import tls
from tests.services.tls.making import pair

KEYS = {"ECDSA": lambda: ec.generate_private_key(ec.SECP256R1()), "RSA": lambda: rsa.generate_private_key(65537, 2048)}


@pytest.mark.parametrize("kind", KEYS)
async def test_nothing_weak_is_spoken(serve, kind):
    own = pair(key=KEYS[kind]())
    it = await serve(tls=tls(), start={"tls": TlsMaterial(own.chain, own.key_text)})
    assert await asyncio.to_thread(accepted, it.address) == GOOD[kind]


async def test_with_1_3_alone_older_clients_get_nothing(serve):
    own = pair()
    it = await serve(tls=tls(minimum="1.3"), start={"tls": TlsMaterial(own.chain, own.key_text)})
    assert set(await asyncio.to_thread(accepted, it.address)) == {"TLSv1.3"}
