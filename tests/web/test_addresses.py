"""Addresses as real proxies write them lead to the client."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from spaces_bridge.web.access.addresses import Addresses

pytestmark = pytest.mark.unit

PROXY, STRANGER = "127.0.0.1", "198.51.100.7"
TRUSTED = ("127.0.0.0/8", "10.0.0.0/8", "::1/128")
XFF = "X-Forwarded-For"


def of(*lines: tuple[str, str], remote: str | None = PROXY) -> str:
    """Where a request with these header lines comes from."""
    request = make_mocked_request("GET", "/", headers=CIMultiDict(lines))
    return Addresses(TRUSTED).of(request.clone(remote=remote or ""))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        (STRANGER, "", STRANGER),
        (STRANGER, "203.0.113.9", STRANGER),
        (PROXY, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9, 127.0.0.2", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        ("::ffff:198.51.100.7", "", STRANGER),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9:51234", "203.0.113.9"),
        (PROXY, "[2001:db8:1:2:3::9]:443", "2001:db8:1:2::"),
        (PROXY, "[2001:db8:1:2:3::9]", "2001:db8:1:2::"),
        (PROXY, "2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2::"),
        (PROXY, "fe80::1%eth0", "fe80::"),
        (PROXY, "203.0.113.9, 10.1.2.3:80, [::1]:4711", "203.0.113.9"),
        (PROXY, "203.0.113.9, unix:", "203.0.113.9"),
        (PROXY, ", 203.0.113.9,,", "203.0.113.9"),
        (PROXY, '"203.0.113.9"', "203.0.113.9"),
        (PROXY, "unix:", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, "1.2.3.4, unknown, 10.0.0.9", "10.0.0.9"),
        (PROXY, "1.2.3.4, _hidden:80", "127.0.0.1 _hidden"),
        (PROXY, "1.2.3.4, client.example", "127.0.0.1 client.example"),
    ],
)
def test_the_nearest_that_is_no_proxy_counts(remote: str, forwarded: str, address: str) -> None:
    assert of((XFF, forwarded), remote=remote) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('For="[2001:db8:cafe:1::17]:4711"', "2001:db8:cafe:1::"),
        ('for=192.0.2.43, for="198.51.100.17:80";by=10.0.0.1', "198.51.100.17"),
        ('proto=https;host="a,b;for=1.1.1.1";for=192.0.2.43, for=127.0.0.3', "192.0.2.43"),
        ('for="192.0.2.\\43"', "192.0.2.43"),
        ('for="_gazonk"', "127.0.0.1 _gazonk"),
        ("for=1.2.3.4, for=unknown", PROXY),
        ("for=1.2.3.4, proto=https", PROXY),
        ('for="unix:/run/proxy.sock"', PROXY),
        ('for=192.0.2.43, for="unix:"', "192.0.2.43"),
        ('for="', PROXY),
    ],
)
def test_forwarded_is_read_as_its_rfc_says(forwarded: str, address: str) -> None:
    assert of(("Forwarded", forwarded)) == address


@pytest.mark.parametrize(
    "begun", ['for="', 'for="\\\\""', 'for="9.9.9.9, for=8.8.8.8;host="', ',",",' * 400]
)
@pytest.mark.parametrize(
    "client", ["203.0.113.9", '"203.0.113.9:4711"', '"203.0.113.9";host="a,b"']
)
def test_a_quote_that_a_client_left_open_hides_nobody(begun: str, client: str) -> None:
    assert of(("Forwarded", f"{begun}, for={client}")) == "203.0.113.9"


def test_the_first_header_that_says_something_counts() -> None:
    real = ("X-Real-IP", "203.0.113.9")
    assert of(real) == "203.0.113.9"
    assert of(("Forwarded", "for=192.0.2.1"), real) == "192.0.2.1"
    assert of((XFF, "192.0.2.2"), ("Forwarded", "for=192.0.2.1"), real) == "192.0.2.2"
    assert of((XFF, " "), ("Forwarded", ""), real) == "203.0.113.9"
    assert of(("Forwarded", "for=192.0.2.1"), real, remote=STRANGER) == STRANGER


def test_all_lines_of_forwarded_addresses_are_one_list() -> None:
    assert of((XFF, "1.2.3.4"), (XFF, "203.0.113.9")) == "203.0.113.9"
    assert of((XFF, "1.2.3.4"), (XFF, "10.0.0.1")) == "1.2.3.4"
    assert of(("Forwarded", "for=1.2.3.4"), ("Forwarded", "for=10.0.0.1")) == "1.2.3.4"


def test_a_peer_without_an_address_is_believed_nothing() -> None:
    assert of((XFF, "203.0.113.9"), remote=None) == "unknown"


addresses = st.one_of(
    st.integers(0x0B000000, 0x7EFFFFFF).map(lambda n: str(IPv4Address(n))),
    st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(lambda n: str(IPv6Address(n))),
)
ports = st.integers(1, 65535)


@given(addresses, ports, st.text(max_size=30), st.sampled_from(["10.0.0.1", "[::1]:9", "unix:"]))
def test_however_it_is_written_the_client_is_found(
    client: str, port: int, before: str, proxy: str
) -> None:
    bracketed = f"[{client}]" if ":" in client else client
    plain = of(remote=client)
    spoofed = "".join(c for c in before if c.isprintable() and c not in '",;')
    for written in (client, bracketed, f"{bracketed}:{port}"):
        assert of((XFF, f"{spoofed},{written},{proxy}")) == plain
        assert of(("Forwarded", f'for="{spoofed}\\"", for="{written}", for="{proxy}"')) == plain


@given(st.text(max_size=200), st.sampled_from([XFF, "Forwarded", "X-Real-IP"]))
def test_a_stranger_says_nothing_about_itself(said: str, header: str) -> None:
    assert of((header, said), remote=STRANGER) == STRANGER


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_cannot_be_read_makes_nobody_everybody(first: str, second: str) -> None:
    here, there = of((XFF, first)), of((XFF, second), remote="10.0.0.7")
    assert here
    assert len(here) <= 200
    by_name = {here.partition(" ")[0], there.partition(" ")[0]} == {PROXY, "10.0.0.7"}
    assert here != there or not by_name
