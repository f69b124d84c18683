"""What a browser may do with a page of ours; whatever answers HTML gets this, unless it sets it itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Everything comes from this server; nothing is inline, nothing is framed, nothing is guessed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)

Header = tuple[bytes, bytes]


def page_headers(headers: Iterable[Header]) -> Sequence[Header]:
    """The headers that an answer lacks, where it is a page."""
    for name, value in headers:
        if name == b"content-type":
            if not value.startswith(b"text/html"):
                return ()
            given = {name for name, _ in headers}
            return [header for header in _PAGE_HEADERS if header[0] not in given]
    return ()
