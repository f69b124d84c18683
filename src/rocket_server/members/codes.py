"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

import pyotp
import segno

from rocket_server.errors import FieldError

RECOVERY_CODES: Final = 10
_STEP_S: Final = 30
_SECRET: Final = re.compile(r"[A-Z2-7]{32}")
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """160 random bits in base 32, as apps take them."""
    return pyotp.random_base32(32)


def is_secret(text: str) -> bool:
    """Whether a text has the form of `new_secret`."""
    return _SECRET.fullmatch(text) is not None


def fitting_step(secret: str, code: str, now: datetime) -> int | None:
    """The thirty seconds to which a code belongs: these, or those before or after; None where it is wrong."""
    digits = code.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    step = int(now.timestamp()) // _STEP_S
    made = pyotp.TOTP(secret)
    found = None
    for near in (step - 1, step, step + 1):
        if hmac.compare_digest(made.at(near * _STEP_S), digits):
            found = near
    return found


def address_for_apps(secret: str, label: str) -> str:
    """What the picture says that an app photographs (`otpauth://…`)."""
    return pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name="Rocket")


def picture(secret: str, label: str) -> str:
    """The address for apps as a QR code: an address of a picture within itself (`data:…`)."""
    return segno.make(address_for_apps(secret, label), error="m").svg_data_uri(
        scale=5, border=3, light="#fff"
    )


def new_recovery_codes() -> list[str]:
    """Ten codes of 79 random bits."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
        for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code; blanks, dashes and case don't matter."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code.lower()).encode("utf-8", "surrogatepass")).digest()


def wrong_code(field: str = "code") -> FieldError:
    """What is said of a code that doesn't fit."""
    return FieldError(field, "must be the six digits that the app shows now")
