"""Regular expressions that can't hang the server.

Python's engine backtracks, so some patterns take time that is exponential in the text. No engine that
runs in linear time comes with Python, and one more native dependency isn't worth one operator. Instead
a pattern is accepted only if the number of ways in which the engine could go through a text of
MAX_TEXT_CHARACTERS has a bound that is harmless: alternatives add up, what follows one another
multiplies, a repetition of something that can itself match in several ways grows as its power. By that
count `(a+)+` and `.*a.*b.*c` are refused, while `^[a-z]+@[a-z]+\\.org$` passes.
"""

from __future__ import annotations

import re
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

MAX_PATTERN_CHARACTERS: Final = 200
MAX_TEXT_CHARACTERS: Final = 256
# Two open repetitions anywhere in the text, or three behind `^`: about 10 ms at the worst.
MAX_WAYS: Final = 300**3

_SINGLE: Final = frozenset(
    (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN, _constants.AT)
)


class PatternError(ValueError):
    """The pattern isn't valid, or could take too long; the message says which."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern, for `search(text, 0, MAX_TEXT_CHARACTERS)`.

    Raises PatternError.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"expected a pattern of at most {MAX_PATTERN_CHARACTERS} characters")
    try:
        parsed = _parser.parse(pattern)
        # A huge bounded repetition is cheap to write and dear to compile, so it's weighed first.
        starts = 1 if _is_anchored(parsed) else MAX_TEXT_CHARACTERS
        if starts * _ways(parsed) > MAX_WAYS:
            raise PatternError(
                "this pattern could take too long; anchor it with ^ and use fewer of *, + and {n,},"
                " none of them inside another"
            )
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"expected a regular expression: {error}") from None


def _is_anchored(parsed: Any) -> bool:
    if not parsed or parsed.state.flags & re.MULTILINE:
        return False
    operation, argument = parsed[0]
    return operation is _constants.AT and argument in (
        _constants.AT_BEGINNING,
        _constants.AT_BEGINNING_STRING,
    )


def _ways(parsed: Any) -> int:
    """An upper bound of the ways to match, cut off just above MAX_WAYS."""
    ways = 1
    for operation, argument in parsed:
        ways = min(ways * _ways_of(operation, argument), MAX_WAYS + 1)
    return ways


def _ways_of(operation: Any, argument: Any) -> int:
    if operation in (
        _constants.LITERAL,
        _constants.NOT_LITERAL,
        _constants.ANY,
        _constants.IN,
        _constants.AT,
    ):
        return 1
    if operation is _constants.SUBPATTERN:
        return _ways(argument[-1])
    if operation is _constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return _ways_of_repetition(*argument)
    if operation in (
        _constants.ASSERT,
        _constants.ASSERT_NOT,
        _constants.GROUPREF,
        _constants.GROUPREF_EXISTS,
    ):
        raise PatternError("look-around and back-references aren't taken")
    raise PatternError("atomic groups and possessive repetitions aren't taken")


def _ways_of_repetition(least: int, most: int, repeated: Any) -> int:
    each = _ways(repeated)
    most = min(most, MAX_TEXT_CHARACTERS)
    least = min(least, most)
    if each == 1:
        return most - least + 1
    ways = 0
    for times in range(least, most + 1):
        # Both bounds keep the powers small: 2**25 is above MAX_WAYS.
        ways += each ** min(times, 25)
        if ways > MAX_WAYS:
            return MAX_WAYS + 1
    return ways
