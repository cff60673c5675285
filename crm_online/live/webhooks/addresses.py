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

_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""IPv6 networks whose addresses stand for IPv4 ones (NAT64, 6to4), which may be anything."""


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
    return address.is_global and not address.is_multicast and not any(address in network for network in _TRANSLATED)


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
