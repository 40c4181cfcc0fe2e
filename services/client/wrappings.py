"""IPv4 addresses inside of IPv6 ones: whoever sends to the one is brought to the other, by the kernel or by a gateway. It asks nobody.

every_face(ip_address("64:ff9b::7f00:1"))       # itself, and 127.0.0.1
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# Networks whose last 32 bits are the IPv4 address: IPv4-compatible, IPv4-translated (RFC 2765), NAT64 (RFC 6052, RFC 8215)
_LAST = tuple(map(IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_NUMBERS = frozenset({IPv6Address("::"), IPv6Address("::1")})  # these are nobody in disguise
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # before the IPv4 address (RFC 5214)


def plain(address: Address) -> Address:
    """IPv4 where it is IPv4 in IPv6's clothes, which the kernel takes off."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def every_face(address: Address) -> list[Address]:
    """The address, then those that a gateway would make of it."""
    bare = plain(address)
    return [bare, *(_inside(bare) if isinstance(bare, IPv6Address) else ())]


def _inside(address: IPv6Address) -> list[IPv4Address]:
    found = [address.sixtofour, *(address.teredo or ())]
    if address not in _NUMBERS and (any(address in network for network in _LAST) or _is_isatap(address)):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def _is_isatap(address: IPv6Address) -> bool:
    return int(address) >> 32 & 0xFFFFFFFF in _ISATAP
