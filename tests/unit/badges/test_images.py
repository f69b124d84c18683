"""Images of badges: what is taken, what is removed from it, what is baked into it."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from rocket_server.badges import images
from rocket_server.badges.images import ImageFault

MEDAL = images.drawn("quiz_master")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, pixels: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return MEDAL[:8] + b"".join(parts)


def test_a_medal_is_a_png_of_its_badge():
    """A drawn medal passes the check, is always the same, and another badge's differs."""
    assert images.checked(MEDAL) == MEDAL == images.drawn("quiz_master")
    assert images.drawn("course_master") != MEDAL


def test_what_tells_of_somebody_is_removed():
    """Texts, times and places inside an image aren't kept, nor is anything behind its end."""
    told = [chunk(b"tEXt", b"Author\0Eve"), chunk(b"eXIf", b"place"), chunk(b"tIME", bytes(7))]
    cleaned = images.checked(png(2, 2, bytes(14), *told) + b"more")
    assert cleaned == png(2, 2, bytes(14))


def test_baked_and_unbaked():
    """The credential is found again in the image; cleaning an image takes it out."""
    baked = images.baked(MEDAL, '{"name": "Prüfung"}')
    assert images.unbaked(baked) == '{"name": "Prüfung"}'
    assert images.unbaked(MEDAL) is None
    assert images.checked(baked) == MEDAL


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "a PNG"),
        (b"<svg/>", "a PNG"),
        (MEDAL[:8], "whole"),
        (MEDAL[:-3], "cut off"),
        (MEDAL[:60], "cut off"),
        (MEDAL[:40] + b"\0" + MEDAL[41:], "checksums"),
        (png(0, 2, b""), "1 to 2048"),
        (png(3000, 2, bytes(18002)), "1 to 2048"),
        (png(2, 2, bytes(10_000_000)), "as many pixels"),
        (png(2, 2, b""), "as many pixels"),
        (bytes(images.MAX_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, words: str):
    """Whatever isn't a whole PNG within the bounds is refused with a sentence; a bomb isn't unpacked."""
    with pytest.raises(ImageFault, match=words):
        images.checked(data)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "https://elsewhere.example/x.png",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png;base64,%%%",
        "data:image/png;base64," + "A" * 800_000,
    ],
)
def test_only_a_png_as_a_data_url(value: object):
    """An address is never fetched, other formats aren't taken."""
    with pytest.raises(ImageFault):
        images.png_of_data_url(value)
    sent = "data:image/png;base64," + base64.b64encode(MEDAL).decode()
    assert images.png_of_data_url(sent) == MEDAL
