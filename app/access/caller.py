"""Somebody who asks: the owner under whose name jobs are kept, and the limits that apply to them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request. `owner` is `key:<owner of the key>` or `address:<where it comes from>`.

    operator: has no limits, and may look at, dismiss and publish the jobs of all. `active_jobs` and `km2_per_day` are
    limits of their own; None: those of everybody.
    """

    owner: str
    operator: bool = False
    active_jobs: int | None = None
    km2_per_day: float | None = None

    @property
    def has_key(self) -> bool:
        return self.owner.startswith("key:")


def anonymous(host: str | None) -> Caller:
    """Who has no key is the address it comes from; of IPv6 the network of 64 bits, which one household has whole."""
    try:
        address = ipaddress.ip_address((host or "unknown").partition("%")[0])
    except ValueError:  # a unix socket, or a proxy that names no address
        return Caller("address:unknown")
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return Caller(f"address:{ipaddress.ip_network((address, _IPV6_PREFIX), strict=False)}")
        address = address.ipv4_mapped
    return Caller(f"address:{address}")
