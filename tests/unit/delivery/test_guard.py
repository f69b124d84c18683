"""Which addresses may be called, and how URLs are read. The hostile ones are in tests/receivers."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rocket_server.delivery.guard import MAX_URL_CHARS, check_url, destination, refusal
from rocket_server.errors import InvalidPayload

PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2606:4700::5efe:8.8.8.8",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str):
    """What is on the internet may be called, also where it only stands beside a special range."""
    assert refusal(address) is None
    assert refusal(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("169.254.169.254", "link-local"),
        ("100.64.0.1", "carrier-grade"),
        ("239.1.1.1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("255.255.255.255", "broadcast"),
        ("250.0.0.1", "reserved"),
        ("203.0.113.1", "documentation"),
        ("198.19.0.1", "benchmarks"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "interface"),
        ("2606:4700::1%eth0", "interface"),
        ("fec0::1", "site-local"),
        ("ff0e::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("2001:0:1::1", "Teredo"),
        ("2002::1", "6to4"),
        ("64:ff9b:1::1", "translation"),
        ("4000::1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("2606:4700::200:5efe:192.168.0.1", "private"),
        ("127.1", "no address"),
        ("", "no address"),
    ],
)
def test_special_addresses_are_refused_in_words(address: str, word: str):
    """The reason says what the address is, or leads to."""
    why = refusal(address)
    assert why is not None
    assert word in why


@given(st.ip_addresses())
@example(IPv4Address("192.0.0.170"))
@example(IPv6Address("100:0:0:1::"))
def test_what_python_calls_special_is_refused(address: IPv4Address | IPv6Address):
    """No address that the standard library knows as special passes, alone or mapped."""
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )
    inner = getattr(address, "ipv4_mapped", None)
    if special and inner is None and address not in ip_network("64:ff9b::/96"):
        assert refusal(address) is not None
        if isinstance(address, IPv4Address):
            for prefix in ("::ffff:", "64:ff9b::", "::"):
                assert refusal(f"{prefix}{address}") is not None


@given(st.ip_addresses(v=4))
def test_every_spelling_means_the_same_address(address: IPv4Address):
    """Decimal, octal, hexadecimal and short forms are judged and called as the address they mean."""
    number = int(address)
    first, second, third, last = address.packed
    spellings = [
        str(number),
        f"0{number:o}",
        f"{number:#x}",
        f"{first}.{number & 0xFFFFFF}",
        f"{first}.{second}.{number & 0xFFFF}",
        f"0{first:o}.{second:#x}.{third}.0{last:o}.",
    ]
    for spelling in spellings:
        found = destination(f"http://{spelling}/x")
        assert (found.address, found.url) == (address, f"http://{address}/x")


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG:443/Hook", "https://example.org/Hook"),
        (
            "http://example.org:8080/a/../b?x=1&y=%2F",
            "http://example.org:8080/a/../b?x=1&y=%2F",
        ),
        ("https://example.org?code=abc%3D%3D", "https://example.org/?code=abc%3D%3D"),
        ("https://example.org./hook", "https://example.org/hook"),
        ("https://bücher.example/ä?ö", "https://xn--bcher-kva.example/%C3%A4?%C3%B6"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://my_host.example.org/", "https://my_host.example.org/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://0x08080808/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700:0:0:0:0:1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
        (
            "https://hooks.example.org/services/T0/B0/'x'(y)*!",
            "https://hooks.example.org/services/T0/B0/'x'(y)*!",
        ),
        ("https://example.org/user@host:1", "https://example.org/user@host:1"),
        ("https://1.example.org/", "https://1.example.org/"),
        ("https://0x7f.1.example/", "https://0x7f.1.example/"),
    ],
)
def test_good_urls_are_called_as_they_are_meant(given: str, called: str):
    """Path and query stay as they were given; the host has one spelling."""
    assert check_url(given) == called
    assert check_url(called) == called


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str):
    """Whatever is sent as a URL is read or refused, and what was read reads the same again."""
    for url in (text, f"https://{text}", f"https://example.org/{text}", f"http://{text}:80/"):
        with contextlib.suppress(InvalidPayload):
            called = check_url(url)
            assert called.isascii()
            assert check_url(called) == called


def test_length_is_bounded():
    """The longest URL that the database takes passes, and no longer one, also after encoding."""
    longest = "https://example.org/" + "x" * (MAX_URL_CHARS - 20)
    assert check_url(longest) == longest
    for url in (longest + "x", "https://example.org/" + "ä" * 400):
        with pytest.raises(InvalidPayload):
            check_url(url)


def test_private_urls_pass_where_they_are_allowed():
    """Everything, or the networks that are named; an IPv4 network also in its mapped form."""
    assert check_url("http://localhost:3000/", allow_private=True) == "http://localhost:3000/"
    assert check_url("http://127.1/", allow_private=True) == "http://127.0.0.1/"
    lan = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    for url in ("http://10.9.8.7/", "http://[::ffff:10.9.8.7]/", "http://[fd00::7]/"):
        assert check_url(url, allowed_cidrs=lan)
    for url in ("http://192.168.0.1/", "http://localhost/", "http://[2002:0a09:0807::]/"):
        with pytest.raises(InvalidPayload):
            check_url(url, allowed_cidrs=lan)
    assert check_url("http://a.localhost/", allowed_cidrs=(ip_network("127.0.0.0/8"),))


def test_the_sentence_says_what_to_do():
    """Whoever registers a URL learns what was wrong with it."""
    with pytest.raises(InvalidPayload, match=r"public internet; 127\.0\.0\.1 is loopback"):
        check_url("http://0177.1/")
    with pytest.raises(InvalidPayload, match="credentials belong into `headers`"):
        check_url("https://user:secret@example.org/")
