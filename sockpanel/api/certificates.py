"""Certificates of servers. Their private keys come in and never go out; a client's is in a single answer and nowhere else."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors
from services.models import Certificate
from services.servers.clock import rfc3339
from services.tls import clients, own, shelf, store
from services.tls.describe import describe
from sockpanel.api import requests, tls_schemas
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, nothing, words
from sockpanel.api.openapi import described

router = Router(tags=["certificates"])

UPLOADED = ("purpose", "chain", "key", "password")
REFUSED = (errors.CertificateRefused, errors.CertificateUnusable)


@router.get("/certificates", auth=Allowed("tls.see"), **described({200: tls_schemas.Certificates}))
def list_certificates(request: HttpRequest) -> HttpResponse:
    """Every certificate, the panel's own authority (`sockpanel-ca`) among them, with who uses it and until when it lasts."""
    return json({"certificates": describe(shelf.listed())})


@router.post(
    "/certificates",
    auth=Allowed("tls.change"),
    **described({201: tls_schemas.Certificate}, *REFUSED, body=requests.NewCertificate),
)
def create_certificate(request: HttpRequest) -> HttpResponse:
    """Have one made by the panel's own authority for `names`; or upload a `chain` with its `key`, or authorities of clients."""
    asked = _given(words(request))
    make = store.upload if any(field in asked for field in UPLOADED) else store.make
    return json(_told(make(asked, who(request))), status=201)


@router.get(
    "/certificates/{certificate}",
    auth=Allowed("tls.see"),
    **described({200: tls_schemas.Certificate}, errors.CertificateUnknown),
)
def read_certificate(request: HttpRequest, certificate: str) -> HttpResponse:
    """One certificate."""
    return json(_told(shelf.find(certificate)))


@router.post(
    "/certificates/{certificate}/renew",
    auth=Allowed("tls.change"),
    **described({200: tls_schemas.Certificate}, errors.CertificateUnknown, *REFUSED, body=requests.Renewal),
)
def renew_certificate(request: HttpRequest, certificate: str) -> HttpResponse:
    """New material under the same name: issued anew (send `{}`), or what is brought. Servers that run with it take it up."""
    return json(_told(store.renew(certificate, _given(words(request)), who(request))))


@router.delete(
    "/certificates/{certificate}",
    auth=Allowed("tls.change"),
    **described({204: None}, errors.CertificateUnknown, errors.CertificateInUse),
)
def remove_certificate(request: HttpRequest, certificate: str) -> HttpResponse:
    """Remove one that no server uses, and its key."""
    store.remove(certificate, who(request))
    return nothing()


@router.post(
    "/authority",
    auth=Allowed("tls.change"),
    **described({200: tls_schemas.Certificate}, *REFUSED, body=requests.NewAuthority),
)
def make_authority(request: HttpRequest) -> HttpResponse:
    """Make the panel's own authority anew, for `names` besides private ones. Clients must trust the new one."""
    asked = words(request)
    _refuse_others(asked, "names")
    return json(_told(own.make(asked.get("names") or [], who(request))))


@router.post(
    "/authority/clients",
    auth=Allowed("tls.change"),
    **described({201: tls_schemas.ClientCertificate}, *REFUSED, body=requests.NewClientCertificate),
)
def issue_client_certificate(request: HttpRequest) -> HttpResponse:
    """Issue a certificate for a client, with its key; both are in this answer and nowhere else."""
    asked = words(request)
    _refuse_others(asked, "name")
    issued = clients.issue(asked.get("name"), who(request))._asdict()
    return json({**issued, "ends_at": rfc3339(round(issued["ends_at"].timestamp() * 1_000_000))}, status=201)


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    """What is null is not given."""
    return {field: value for field, value in asked.items() if value is not None}


def _refuse_others(asked: dict[str, Any], known: str) -> None:
    for field in asked:
        if field != known:
            raise errors.CertificateRefused(f"{field[:64]!r} is nothing that can be set here.", field=field[:64])


def _told(row: Certificate) -> dict[str, Any]:
    return describe([row])[0]
