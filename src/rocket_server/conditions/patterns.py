r"""Regular expressions of callers, run by RE2, whose time is linear in the text and in the pattern.

A pattern is bounded when it is written: in characters, and in the instructions of the program that it
becomes, since that times the length of the text is what a search may cost. Compiled ones are kept in one
bounded cache of the process, so that many patterns cost time and not memory.

Python's spellings of what RE2 spells otherwise are taken as well: `\Z`, `{,3}`, `\u00e9`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

MAX_PATTERN_CHARACTERS: Final = 200
MAX_TEXT_CHARACTERS: Final = 256
# A search takes some 5 ns for each instruction and character at the very worst: 2.5 ms.
MAX_INSTRUCTIONS: Final = 2_000
# Of one regular expression: its program, and the states that it remembers while it searches.
_MAX_BYTES: Final = 128 * 1024
_KEPT: Final = 512  # compiled ones, of all organisations

_PYTHON_SPELLING: Final = re.compile(
    r"\\(?:(?P<end>Z)|u(?P<short>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8})|.)"
    r"|\{,(?P<most>[0-9]+)\}"
    # What stands in brackets has no repetitions in it.
    r"|\[\^?\]?(?:[^\]\\]|\\[^uU])*\]?",
    re.DOTALL,
)

# Words, or words at the beginning: nearly all patterns that people write need no engine.
_is_plain: Final = re.compile(r"(\^?)([^\\^$.|?*+()\[\]{}]+)").fullmatch


class PatternError(ValueError):
    """The pattern isn't taken; the message says why, and what could be written instead."""


@lru_cache(maxsize=8 * _KEPT)
def check_pattern(pattern: str) -> int:
    """The instructions of a pattern's program. Raises PatternError for one that isn't taken."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"expected a pattern of at most {MAX_PATTERN_CHARACTERS} characters")
    try:
        instructions: int = _compiled(pattern).programsize
    except re2.error as error:
        raise PatternError(_in_words(error)) from None
    if instructions > MAX_INSTRUCTIONS:
        raise PatternError(_TOO_LARGE)
    return instructions


def searcher(pattern: str) -> Callable[[str], bool]:
    """A closure that says whether a checked pattern is found in the first characters of a text."""
    if plain := _is_plain(pattern):
        words = plain[2]
        if plain[1]:
            return lambda text: text.startswith(words, 0, MAX_TEXT_CHARACTERS)
        return lambda text: text.find(words, 0, MAX_TEXT_CHARACTERS) >= 0

    def found(text: str) -> bool:
        # Halves of surrogate pairs have no bytes, and no pattern can ask for them.
        part = text[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace")
        return _compiled(pattern).search(part) is not None

    return found


@lru_cache(maxsize=_KEPT)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MAX_BYTES
    options.never_capture = True
    options.log_errors = False
    return re2.compile(_PYTHON_SPELLING.sub(_respelled, pattern), options)


def _respelled(found: re.Match[str]) -> str:
    if found["end"]:
        return r"\z"
    if found["most"] is not None:
        return f"{{0,{found['most']}}}"
    code_point = found["short"] or found["long"]
    return found[0] if code_point is None else rf"\x{{{code_point}}}"


_TOO_LARGE: Final = (
    "this pattern is too large; use smaller numbers in {n,m}, fewer of \\p{L} and its like, or two conditions"
)
# By what RE2's message begins with, or has in it.
_SUGGESTIONS: Final = (
    ("pattern too large", _TOO_LARGE),
    ("invalid perl operator: (?=", "look-ahead isn't taken; make what follows a condition of its own"),
    ("invalid perl operator: (?!", "look-ahead isn't taken; write {not: {…}} around a condition of its own"),
    ("invalid perl operator: (?<", "look-behind isn't taken; match what stands before as well"),
    ("invalid perl operator: (?>", "atomic groups aren't taken, and never needed; write (?:…)"),
    ("invalid perl operator: (?P", "back-references aren't taken; compare the fields by conditions instead"),
    ("invalid perl operator: (?x", "the flag x isn't taken; write the pattern without blanks and comments"),
    ("invalid escape sequence: \\", "back-references, and escapes that RE2 doesn't have, aren't taken"),
    ("bad repetition operator", "possessive repetitions aren't taken, and never needed; write *, + or ?"),
    ("invalid repetition size", "a repetition may be asked for at most 1000 times"),
)  # fmt: skip


def _in_words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    message = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    for beginning, suggestion in _SUGGESTIONS:
        if message.startswith(beginning):
            return suggestion
    return f"expected a regular expression of RE2: {message}"
