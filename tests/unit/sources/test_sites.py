"""Which spellings of an address mean one site."""

from __future__ import annotations

import pytest

from rocket_server.sources.checks import Fault
from rocket_server.sources.sites import same_as, site


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.org/moodle/", "http://A.org:80/moodle", True),
        ("https://bücher.de", "https://xn--bcher-kva.de", True),
        ("https://a.org.", "https://a.org", True),
        ("https://a.org/moodle", "https://a.org/Moodle", False),
        ("https://a.org", "https://a.org/moodle", False),
        ("https://a.org:8080", "https://a.org", False),
        ("https://a.org:08080", "https://a.org:8080", True),
        ("https://a.org:0443/", "http://a.org", True),
        ("https://moodle:secret@a.org/moodle", "https://a.org/moodle", True),
        ("//a.org", "https://a.org", True),
        ("https://a.org/?redirect=0#top", "https://a.org", True),
        ("https://a.org//moodle/./", "https://a.org/moodle", True),
        ("https://a.org/%7Eada", "https://a.org/~ada", True),
        ("https://STRAßE.de", "https://xn--strae-oqa.de", True),
        ("https://straße.de", "https://strasse.de", False),
        ("https://a\u3002org", "https://a.org", True),
        ("http://[::1]:80/m", "https://[::1]/m/", True),
        ("https://a.org:/moodle", "https://a.org/moodle", True),
        ("https://[2001:DB8:0:0:0:0:0:1]/", "http://[2001:db8::1]:443", True),
        ("https://[2001:db8::1]", "https://[2001:db8::2]", False),
        ("https://[1::2::3]", "https://[1::2::3]/", True),
        ("https://www.a.org", "https://a.org", False),
        ("not a site", "not a site", True),
        ("not a site", "Not a site", False),
    ],
)
def test_spellings_of_one_site_have_one_key(one, other, same):
    """Scheme, case of the host, ports that go without saying, who signs in and slashes make no difference."""
    assert (same_as(one) == same_as(other)) is same


@pytest.mark.parametrize(
    "address",
    [
        *("https://a.org/\u200b", "https://a\u00ad.org", "https://a.org:0", "https://a.org:65536"),
        *(
            "https://[1::2::3]",
            "ftp://a.org",
            "https://a.org:",
            "//a.org",
            "https://a.org?x",
            "https://a b.org",
        ),
    ],
)
def test_an_address_that_no_event_could_come_from_is_refused(address):
    """What is set as a site must be one that a platform may have, without anything that nobody sees."""
    with pytest.raises(Fault):
        site(address)


@pytest.mark.parametrize("address", ["https://[::1]:8080/m", "a.org", "https://bücher.de:65535"])
def test_an_unusual_address_is_a_site(address):
    """Numbers for hosts, ports and letters of all scripts are fine."""
    assert site(address) == address
