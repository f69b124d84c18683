"""Hides secrets in what others sent, by the names that they stand under once it is decoded. Pure."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
import re2

from rocket_server.decoding import decode

MASK: Final = "***"
# A name with one of these in it, whatever its case and what joins its words, names a secret.
_WORDS: Final = (
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "credential",
    "hmac",
    "signature",
    "cookie",
    "sesskey",
    "sessionid",
    "sessionkey",
    "sessid",
)
_WHOLE: Final = frozenset({"pass", "pwd", "jwt", "bearer"})
_SAYING: Final = ("name", "key", "field", "header")  # {"name": "token", "value": "…"}
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]+")

# All searches go by RE2, which takes linear time whatever the text: anybody may send it.
_WORD: Final = "|".join("[-_ .]*".join(word) for word in _WORDS)
_ALONE: Final = rf"(?:^|[^a-z0-9])(?:{'|'.join(sorted(_WHOLE))})[\"'\]]*\s*[:=]"
# Secrets that show by their form, wherever they stand; the last is the user of a URL.
_FORMS: Final = (
    r"rk_(?:live|test)_[a-z0-9]+|whsec_[a-z0-9+/=]+|(?:bearer|basic)\s+[a-z0-9+/=._~-]{8,}|://[^\s/?#@]+@"
)
# What may hide a part of a name: escapes of JSON, and those of forms that stand for letters, for what joins
# words, or for a percent sign with which another escape may begin (not that of `100%25+sure`). Not `%5C`, the
# backslash in each of Moodle's names.
_ESCAPED: Final = r"\\u[0-9a-f]{4}|%(?:25[0-9a-f%]|2[0de]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])"
_SUSPICIOUS: Final = re2.compile(f"(?i){_WORD}|{_ALONE}|{_FORMS}|{_ESCAPED}")
_SUSPICIOUS_BYTES: Final = re2.compile(f"(?i){_WORD}|{_ALONE}|{_FORMS}|{_ESCAPED}".encode())
_BY_FORM: Final = re2.compile(f"(?i){_FORMS}")
_PAIR: Final = re2.compile(r"([\w.%\[\]-]+)(\s*[=:]\s*)([^\s&;,\"'<>#?]+)")
# In a sentence, a serialisation or markup that isn't read here.
_QUOTED: Final = re2.compile(rf"(?i)(?:{_WORD})[a-z0-9_-]*[\"'>\\]")

_DEEPEST: Final = 100
# Characters that are decoded to be masked: some hundredths of a second, if every one of them is suspicious.
_LONGEST: Final = 16 * 1024


def is_suspicious(body: bytes) -> bool:
    """Whether a body may hold a secret: where not, it can be shown as it is."""
    return _SUSPICIOUS_BYTES.search(body) is not None


def is_secret(name: str) -> bool:
    """Whether what stands under this name is to be hidden."""
    plain = _NOT_LETTERS.sub("", name.lower())
    return plain in _WHOLE or any(word in plain for word in _WORDS)


def masked_text(text: str) -> str:
    """A text with its secrets hidden: JSON and forms by the names in them; anything else only as far as
    nothing in it may name a secret."""
    if _SUSPICIOUS.search(text) is None:
        return text
    if len(text) <= _LONGEST:
        try:
            return msgspec.json.encode(masked(decode(text))).decode()
        except (ValueError, RecursionError):
            if "=" in text and not any(char in text for char in "{}<>\n\r\t "):
                return _masked_form(text)
    return _beginning(text)


def masked(value: Any, depth: int = 0) -> Any:
    """Decoded JSON with its secrets hidden."""
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, dict):
        said = {item for name in _SAYING if isinstance(item := value.get(name), str) and is_secret(item)}
        return {
            name: _hidden(item) if is_secret(name) or (said and name == "value") else masked(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and is_secret(value[0]):  # a name and its value
            return [value[0], _hidden(value[1])]
        return [masked(item, depth + 1) for item in value]
    if isinstance(value, str) and _SUSPICIOUS.search(value) is not None:
        return _masked_string(value)
    return value


def _hidden(value: Any) -> Any:
    """Truth values and nothing tell nothing."""
    return value if value is None or isinstance(value, bool) else MASK


def _masked_string(text: str) -> str:
    """A text inside of JSON: JSON again, a form or an address, or a sentence."""
    if text.lstrip()[:1] in ("{", "["):
        return masked_text(text)
    if _QUOTED.search(text) is not None:
        return _beginning(text)
    text = _BY_FORM.sub(_masked_form_of, text)
    return str(_PAIR.sub(_masked_pair, text))


def _masked_form_of(found: Any) -> str:
    return f"://{MASK}@" if found[0].startswith("://") else MASK


def _masked_pair(pair: Any) -> str:
    return f"{pair[1]}{pair[2]}{MASK}" if is_secret(_unquoted(pair[1])) else str(pair[0])


def _masked_form(text: str) -> str:
    return "".join(part if part in "&;" else _masked_field(part) for part in re.split(r"([&;])", text))


def _masked_field(field: str) -> str:
    name, equals, value = field.partition("=")
    if equals and is_secret(_unquoted(name)):
        return f"{name}={MASK}"
    plain = _unquoted(value)
    hidden = masked(plain)
    return field if hidden == plain else f"{name}={hidden}"


def _unquoted(text: str) -> str:
    """Without percent escapes, also where they were escaped again."""
    for _ in range(3):
        if "%" not in text:
            break
        text = unquote_plus(text)
    return text


def _beginning(text: str) -> str:
    """What stands before the first place where a secret may begin."""
    found = _SUSPICIOUS.search(text)
    end = len(text) if found is None else found.start()
    return f"{text[:end]}{MASK} (the rest may hold a secret)"
