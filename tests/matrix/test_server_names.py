"""Names of servers and users, as strangers may write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.matrix.client.guard import Guard
from spaces_bridge.matrix.client.server_names import (
    ServerName,
    parse_server_name,
    user_of_server,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.org", ServerName("example.org", None, is_literal=False)),
        ("Matrix.Example.org:8448", ServerName("matrix.example.org", 8448, is_literal=False)),
        ("localhost:1", ServerName("localhost", 1, is_literal=False)),
        ("xn--bcher-kva.example", ServerName("xn--bcher-kva.example", None, is_literal=False)),
        ("192.0.2.7", ServerName("192.0.2.7", None, is_literal=True)),
        ("192.0.2.7:443", ServerName("192.0.2.7", 443, is_literal=True)),
        ("[2001:db8::1]", ServerName("2001:db8::1", None, is_literal=True)),
        ("[2001:db8::1]:8448", ServerName("2001:db8::1", 8448, is_literal=True)),
    ],
)
def test_a_servers_name_has_parts(text: str, name: ServerName) -> None:
    assert parse_server_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8448",
        "example.org:",
        "example.org:0",
        "example.org:65536",
        "example.org:+80",
        "example.org:８４４８",
        "example..org",
        ".example.org",
        "example.org.",
        "-example.org",
        "example-.org",
        "exämple.org",
        "example.org/path",
        "example.org?x",
        "example.org#x",
        "user@example.org",
        "user:pass@example.org",
        "exam ple.org",
        "example.org\n",
        "[::1",
        "::1",
        "[fe80::1%eth0]",
        "[example.org]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "256.0.0.1",
        "a" * 64 + ".example",
        ".".join(["abcdefgh"] * 30),
    ],
)
def test_what_is_no_servers_name(text: str) -> None:
    assert parse_server_name(text) is None


@given(st.text(max_size=300))
def test_no_text_is_too_odd(text: str) -> None:
    name = parse_server_name(text)
    assert name is None or name.host.isascii()


def test_a_server_speaks_for_its_own_users_alone() -> None:
    assert user_of_server("@Alice+x/1:example.org", "example.org") == "@Alice+x/1:example.org"
    assert user_of_server("@a:[2001:db8::1]:8448", "[2001:db8::1]:8448") is not None
    for sub in (
        "@alice:other.example",
        "@alice:example.org:8448",
        "@alice:Example.org",
        "@alice:example.org.evil.example",
        "@alice:evil.example:example.org",
        "@:example.org",
        "alice:example.org",
        "@alice",
        "@al ice:example.org",
        "@alïce:example.org",
        "@ali\nce:example.org",
        "@" + "a" * 250 + ":example.org",
        "",
        None,
        7,
        ["@alice:example.org"],
    ):
        assert user_of_server(sub, "example.org") is None


FORBIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "example.org",
    "",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_connection_leaves_the_internet(address: str) -> None:
    assert not Guard().permits(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)
def test_the_internet_may_be_asked(address: str) -> None:
    assert Guard().permits(address)


def test_an_admin_may_allow_a_network_and_opens_no_other_by_it() -> None:
    guard = Guard(["10.1.0.0/16", "fd00::/8"])
    assert guard.permits("10.1.2.3")
    assert guard.permits("fd00::7")
    assert not guard.permits("10.2.0.1")
    assert not guard.permits("::ffff:10.1.2.3")
    assert guard.permits("8.8.8.8")
