"""Where a webhook may connect to: public addresses, and private ones that its settings allow."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final, TypeAlias

from crm_online.errors import DeliveryFailed
from crm_online.live.threads import Threads

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("2000::/3"))
"""Where public addresses are. Python takes all that it knows nothing of for public: that which embeds an IPv4 address
(``::10.0.0.8``, ``::ffff:0:10.0.0.8``, NAT64 at ``64:ff9b::`` and ``64:ff9b:1::``) and the site's own (``fec0::``)."""
_SPECIAL: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2002::/16", "3fff::/20")))
"""Networks in them that are not: of protocols, with relays and addresses of 6to4, of documents (RFC 6890, 9637)."""


def is_allowed(address: IpAddress, private: Sequence[IpNetwork]) -> bool:
    """Return whether an address is public, or in one of some private networks.

    Examples
    --------
    >>> is_allowed(ipaddress.ip_address("93.184.216.34"), ())
    True
    >>> [is_allowed(ipaddress.ip_address(one), ()) for one in ("10.1.2.3", "::ffff:127.0.0.1", "169.254.169.254")]
    [False, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in private):
        return True
    public = address.is_global and not address.is_multicast and any(address in network for network in _GLOBAL)
    return public and not any(address in network for network in _SPECIAL)


async def resolve(host: str, port: int, private: Sequence[IpNetwork], threads: Threads) -> str:
    """Return the address of a host to connect to. Who connects to it and to no name is not led elsewhere meanwhile.

    Parameters
    ----------
    host, port
        Of a URL.
    private
        The networks that are allowed though they are not public.
    threads
        Where it is looked up: name servers may not answer for long.

    Raises
    ------
    DeliveryFailed
        If the host has no address, or none that is allowed.
    """
    try:
        found = await threads.run(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise DeliveryFailed(f"{host} has no address: {error.strerror or error}") from error
    except UnicodeError as error:  # of a name that has an empty part, or one of more than 63 bytes
        raise DeliveryFailed(f"{host} has no address: {error}") from error
    addresses = [str(place[0]).partition("%")[0] for *_, place in found]
    allowed = [one for one in addresses if is_allowed(ipaddress.ip_address(one), private)]
    if not allowed:
        raise DeliveryFailed(f"{host} is at {', '.join(dict.fromkeys(addresses))}, which is not public: refused")
    return allowed[0]
