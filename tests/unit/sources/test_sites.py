"""Which spellings of an address mean one site."""

from __future__ import annotations

import pytest

from rocket_server.sources.sites import same_as


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
        ("https://www.a.org", "https://a.org", False),
        ("not a site", "not a site", True),
        ("not a site", "Not a site", False),
    ],
)
def test_spellings_of_one_site_have_one_key(one, other, same):
    """Scheme, case of the host, ports that go without saying, who signs in and slashes make no difference."""
    assert (same_as(one) == same_as(other)) is same
