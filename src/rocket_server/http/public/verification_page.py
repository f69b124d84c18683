"""The public page of an award, as plain HTML: valid, revoked or unknown, in words."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from html import escape
from typing import Any, Final

from rocket_server.badges.credentials import Facts

_STYLE: Final = """
:root { color-scheme: light }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1b1f24; background: #f3f5f7; margin: 0; padding: 1rem }
main { max-width: 34rem; margin: 1rem auto; background: #fff; border-radius: .75rem; padding: 1.5rem;
  box-shadow: 0 1px 4px rgb(0 0 0 / .15); overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0 }
img { display: block; width: 10rem; max-width: 60%; height: auto; margin: 0 auto 1rem }
.status { border-left: .4rem solid; padding: .6rem 1rem; margin: 1rem 0; font-weight: 600 }
.valid { color: #0b5c2e; background: #e6f4ec }
.revoked { color: #8c1515; background: #fdecec }
.unknown { color: #594300; background: #fff6dc }
dt { color: #4a5361; margin-top: .6rem } dd { margin: 0 } .lines { white-space: pre-line }
a { color: #0b4f9e } .links a { display: block; padding: .6rem 0 }
footer { color: #4a5361; font-size: .875rem; margin-top: 1.5rem }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def known(shown: dict[str, Any], award: Facts) -> str:
    """The page of an award; `shown` is what is answered as JSON."""
    badge, issuer = shown["badge"], shown["issuer"]
    expires_at = award.expires_at
    if award.revoked_at is not None:
        sentence = f"This badge was revoked on {_day(award.revoked_at)}. It counts no more."
        status = f'<p class="status revoked">{sentence}</p>'
    elif award.status == "expired" and expires_at is not None:
        status = f'<p class="status unknown">This badge expired on {_day(expires_at)}.</p>'
    else:
        until = "" if expires_at is None else f" until {_day(expires_at)}"
        status = f'<p class="status valid">This badge is valid{until}.</p>'
    facts = [
        ("Issued by", f'<a href="{escape(issuer["url"])}" rel="noreferrer">{escape(issuer["name"])}</a>'),
        ("Awarded on", _day(award.awarded_at)),
    ]
    if badge["criteria"]:
        facts.append(("What it was awarded for", f'<span class="lines">{escape(badge["criteria"])}</span>'))
    listed = "".join(f"<dt>{term}</dt><dd>{value}</dd>" for term, value in facts)
    links = ""
    if shown["credential"]:
        links = (
            '<nav class="links" aria-label="Downloads">'
            f'<a href="{escape(_path(shown["credential"]))}" download="badge.json">Download the credential'
            " (Open Badges 3.0)</a>"
            f'<a href="{escape(_path(shown["baked_image"]))}" download="badge.png">Download the image that'
            " contains it</a></nav>"
        )
    return _page(
        badge["name"],
        f'<img src="{escape(_path(badge["image"]))}" alt="">'
        f"<h1>{escape(badge['name'])}</h1>{status}"
        f'<p class="lines">{escape(badge["description"])}</p><dl>{listed}</dl>{links}'
        "<footer>The page says nothing of the person. The credential names its receiver by a salted hash,"
        " which a verifier can compare with an address.</footer>",
    )


def unknown() -> str:
    """The page of an award that doesn't exist."""
    return _page(
        "Unknown badge",
        '<h1>Unknown badge</h1><p class="status unknown">This badge is unknown here.</p>'
        "<p>No badge was ever awarded under this address. Compare it with the one you were given.</p>",
    )


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{content}</main></body></html>"
    )


def _day(moment: datetime) -> str:
    return f'<time datetime="{moment:%Y-%m-%d}">{moment.day} {moment:%B %Y}</time>'


def _path(address: str) -> str:
    """An address of the same issuer, as seen from an award's page, whatever the server is called there."""
    return "../" + address.partition("/public/badges/")[2].partition("/")[2]
