"""Which addresses the platform may call on somebody's word: public ones, and hosts the operator named. Plain Python."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
PORTS = {"http": 80, "https": 443}
# Ways to write an IPv4 address inside an IPv6 one: by the prefix, and from which bit on.
NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
COMPATIBLE = ip_network("::/96")
# Not all of these are "not global" to the standard library of every Python.
REFUSED: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "168.63.129.16/32",
            "fec0::/10", "fe80::/10", "fc00::/7", "2001::/23", "100::/64",
        ),
    )
)  # fmt: skip
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
URL_CHARS = re.compile(r"[!-\[\]-~]+")
PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class BadAddress(ValueError):
    """The address is none that may be called; the message is a code: "scheme", "host", "form"."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `path` is with its query, as it goes on the wire."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str) -> Target:
    """The parts of an http or https URL. Raises BadAddress for everything that two readers may read differently."""
    if not URL_CHARS.fullmatch(url):
        raise BadAddress("form")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("form") from None
    if parts.scheme not in PORTS:
        raise BadAddress("scheme")
    if "@" in parts.netloc or parts.fragment or port == 0:
        raise BadAddress("form")
    host = parts.netloc.removesuffix(f":{port}") if port else parts.netloc.removesuffix(":")
    if not HOST.fullmatch(host):
        raise BadAddress("host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host.strip("[]").lower(), port or PORTS[parts.scheme], path)


def is_named(target: Target, named: Collection[str]) -> bool:
    """True when the operator named this host, as "10.0.0.5:8080", or "orders.internal" for each of its ports."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return not named_forms(named).isdisjoint({host, target.host, f"{host}:{target.port}"})


def named_forms(named: Collection[str]) -> set[str]:
    return {name.lower() for name in named}


def refusal(address: str) -> str:
    """Why an address may not be called, as "private"; empty when it is out on the public net."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unreadable"
    return next((why for each in readings(found) if (why := refusal_of(each))), "")


def readings(address: Address) -> Iterator[Address]:
    """The address, and every IPv4 address that is wrapped in it."""
    yield address
    if isinstance(address, IPv4Address):
        return
    wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in NAT64) or address in COMPATIBLE:
        wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
    yield from (each for each in wrapped if each is not None)


def refusal_of(address: Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast or address.is_unspecified:
        return "special"
    if any(address in n for n in REFUSED if n.version == address.version) or not address.is_global:
        return "private"
    return ""
