"""The panel's own certificate authority: made, and certificates issued by it. Elliptic curve P-256 throughout. It keeps nothing.

Whoever trusts it trusts it for little: private names and addresses, this machine's own, and what was asked for when it was made. So a
stolen key speaks for no bank.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.errors import CertificateRefused
from services.tls import names
from services.tls.names import Network
from services.tls.pem import PrivateKey

LIVES = timedelta(days=3653)
CERTIFICATE_LIVES = timedelta(days=364)  # a year with the day before
EARLIER = timedelta(days=1)  # clocks differ
# Names that no public authority gives out (RFC 6761, 6762, 8375 and what people use), and addresses of private networks
PRIVATE_HOSTS = (
    "localhost",
    "local",
    "lan",
    "home",
    "internal",
    "intranet",
    "corp",
    "private",
    "home.arpa",
    "localdomain",
    "test",
    "example",
    "invalid",
)
PRIVATE_NETWORKS = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "2001:db8::/32",
)
COUNTRY = 2  # letters of a country's top-level domain
# Below those, where anybody may register a name: by what registries use to call them, for the whole list changes every week
REGISTRIES = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "sch"}
)
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH

Signed = tuple[x509.Certificate, PrivateKey]


def make(title: str, also: Sequence[str] = ()) -> Signed:
    """A new authority that may vouch for private names, and for `also`: host names (and all below them) and addresses.

    Raises CertificateRefused for names of `also` that are everybody's.
    """
    _refuse_everybodys(also)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(title)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(_permitted(also), None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_SERVER, _CLIENT]), critical=False)
    )
    return builder.sign(key, SHA256()), key


def issue(authority: Signed, title: str, wanted: Sequence[str], for_client: bool = False) -> Signed:
    """A certificate for a server of these names, or for a client of this title, with a key of its own."""
    issuer, issuer_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    ends = min(now + CERTIFICATE_LIVES, issuer.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder(issuer.subject, _named(title), key.public_key(), x509.random_serial_number())
        .not_valid_before(max(now - EARLIER, issuer.not_valid_before_utc))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_CLIENT if for_client else _SERVER]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_issuer_identifier(issuer), critical=False)
    )
    if wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, wanted))), critical=False)
    return builder.sign(issuer_key, SHA256()), key


def _refuse_everybodys(also: Iterable[str]) -> None:
    for name in also:
        host = name.removeprefix("*.")
        if names.as_address(host) is None and _is_everybodys(host):
            raise CertificateRefused(
                f"{host!r} is no domain of yours alone, and the authority would vouch for every name below it: name a domain such as "
                "lab.example.org, or give the host a private name such as nas.lan, for which nothing has to be asked.",
                field="names",
            )


def _is_everybodys(host: str) -> bool:
    """A top-level domain (any single name could become one), or one below a country's where anybody may register."""
    if host in names.own() or any(host == one or host.endswith(f".{one}") for one in PRIVATE_HOSTS):
        return False
    labels = host.split(".")
    return len(labels) == 1 or (len(labels) == 2 and len(labels[1]) == COUNTRY and labels[0] in REGISTRIES)


def beyond(authority: x509.Certificate) -> list[str]:
    """The names that it may vouch for besides private ones: this machine's when it was made, and what was asked for."""
    private = {*PRIVATE_HOSTS, *PRIVATE_NETWORKS}
    found = [str(one.value) for one in _limits(authority) or ()]
    return [name.removesuffix("/32").removesuffix("/128") for name in found if name not in private]


def foreign(authority: x509.Certificate, wanted: Iterable[str]) -> list[str]:
    """Those of the names that the authority may not vouch for."""
    permitted = _limits(authority)
    if permitted is None:
        return []
    hosts = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    return [name for name in wanted if not _is_permitted(name, hosts, networks)]


def _limits(authority: x509.Certificate) -> Sequence[x509.GeneralName] | None:
    """None for one that may vouch for everything."""
    try:
        return authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return None


def _is_permitted(name: str, hosts: Sequence[str], networks: Sequence[object]) -> bool:
    address = names.as_address(name)
    if address is not None:
        return any(
            address in network
            for network in networks
            if isinstance(network, Network) and network.version == address.version
        )
    host = name.removeprefix("*.")
    return any(host == one or host.endswith(f".{one}") for one in hosts)


def _permitted(also: Iterable[str]) -> list[x509.GeneralName]:
    wanted = [*PRIVATE_HOSTS, *PRIVATE_NETWORKS, *names.own(), *also]
    found: dict[str, x509.GeneralName] = {}
    for name in wanted:
        one = _subtree(name.removeprefix("*."))
        found[str(one.value)] = one
    return list(found.values())


def _subtree(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)


def _general(name: str) -> x509.GeneralName:
    address = names.as_address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _named(title: str) -> x509.Name:
    """A common name with a blank in it is taken for no host name, to which the authority's limits would apply."""
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Sockpanel"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, title[:64]),
        ]
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)
