"""Which addresses may be called: public ones, and hosts the operator named."""

import pytest

from chat.tools import addresses
from chat.tools.addresses import BadAddress, is_named, refusal, target_of

INTERNAL = [
    "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "198.18.0.1", "192.0.0.8", "168.63.129.16", "224.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "fec0::1", "fe80::1%lo", "fd00:ec2::254",
    "ff02::1", "100::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_not(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", "scheme"),
        ("gopher://a/", "scheme"),
        ("unix:/run/x", "scheme"),
        ("//a.example/", "scheme"),
        ("http://user@a.example/", "form"),
        ("http://a.example@127.0.0.1/", "form"),
        ("http://a\\@127.0.0.1/", "form"),
        ("http://a.example/\r\nHost: b", "form"),
        ("http://a.example/ b", "form"),
        ("http://a.example:0/", "form"),
        ("http://a.example:99999/", "form"),
        ("http://a.example/#f", "form"),
        ("http://例子.example/", "form"),
        ("http://", "host"),
        ("http:///path", "host"),
        ("http://[fe80::1%25lo]/", "host"),
        ("http://a,b/", "host"),
    ],
)
def test_urls_that_two_readers_may_read_differently_are_refused(url: str, code: str) -> None:
    with pytest.raises(BadAddress, match=code):
        target_of(url)


def test_a_plain_url_is_taken_apart() -> None:
    found = target_of("https://Orders.Example:8443/v1/x?y=1")
    assert (found.scheme, found.host, found.port, found.path) == (
        "https", "orders.example", 8443, "/v1/x?y=1",
    )  # fmt: skip
    assert target_of("http://[::1]:80").host == "::1"


def test_hosts_are_named_with_or_without_their_port() -> None:
    target = target_of("http://Orders.Internal:8080/")
    assert is_named(target, ["orders.internal:8080"])
    assert is_named(target, ["ORDERS.internal"])
    assert not is_named(target, ["orders.internal:80", "internal", ""])
    assert is_named(target_of("http://[::1]:81/"), ["[::1]:81"])
    assert addresses.PLACE.findall("/a/{order_number}/{x}") == ["order_number", "x"]
