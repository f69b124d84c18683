"""What may stand for one learner or one event: ids that mean something, are seen, and are written one way."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What programs write where they had no value, in any case: JavaScript, Python, Java, C#, Ruby, SQL, C; in
# quotes and brackets too, and for each part of an id that was put together. Then placeholders of templates
# that nobody filled, and the GUID of C# that nobody set. A GUID in braces is an id.
_WORD: Final = r"(?:undefined|null|none|nil|nan|true|false)"
_UNFILLED: Final = (
    r"(?:\[object [a-z]+\]|[$#]?\{{1,2} ?(?![0-9a-f-]*[0-9][0-9a-f-]*\})[a-z_][a-z0-9_.|-]* ?\}{1,2}"
    r"|(?:%7b){1,2}[a-z_][a-z0-9_.-]*(?:%7d){1,2}|<[a-z_.-]*id>)"
)
NO_VALUE: Final = (
    rf"(?i:['\"`]?{_WORD}(?:[-_.,;:|+ ]{_WORD})*['\"`]?|[\[<({{](?:null|none|nil|undefined|empty)[\]>)}}]"
    rf"|{_UNFILLED}|#?n/a|\$[a-z_]+|%[sdi@]"
    r"|\{?0{8}-(?:0{4}-){3}0{12}\}?|0{32}|[+-]?infinity|\{\}|\[\]|''|\"\")"
)
_is_no_value = re.compile(rf"(?:[^:]*:)?{NO_VALUE}").fullmatch

# Begins as none of these do, and has no colon: most ids do so.
_means_something = re.compile(r"[1-9A-EGHJ-MO-SV-Za-eghj-mo-sv-z][!-9;-~]*").fullmatch

# An id that a template put together without the part that would tell it from others. Nothing but signs, a
# short word with nothing behind it (`event-`), or with what wasn't filled in (`event-{id}`).
_SIGNS: Final = "-_.:/|,;+ "
_is_unfinished = re.compile(
    rf"[{_SIGNS}]*|[A-Z]?[a-z]{{1,20}}[{_SIGNS}]+|(?i:unknown)|[-+]?0|0\.0"
    rf"|(?:.*[{_SIGNS}])?(?i:{_UNFILLED})(?:[{_SIGNS}].*)?",
    re.DOTALL,
).fullmatch
# Words of programs as they write them. In other cases they are words of people: Nan, none, Null.
_EMPTY_PARTS: Final = frozenset({"undefined", "null", "NULL", "None", "NaN"})
_has_empty_part = re.compile("|".join(_EMPTY_PARTS)).search
_between_parts = re.compile(r"[:/|,;]").split
_between_words = re.compile(r"[-_.+ ]").split

# What most ids of events look like: letters, signs between them and a number that isn't zero, and no n that
# could begin the rest of one of the words above. None of what is listed above fits this.
_needs_no_look = re.compile(
    r"(?=[^1-9]*[1-9])(?=[0-9A-Za-z])(?:[0-9A-MO-Za-mo-z_.:-]++|[Nn](?![adiouADIOU]))*+(?<=[0-9A-Za-z])"
).fullmatch

# Characters that nobody sees: Unicode's category Cf (zero-width blanks, directions, the soft hyphen, tags),
# separators of lines and paragraphs, and what else has the property Default_Ignorable_Code_Point.
_invisible = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


MAX_CHARACTERS: Final = 255
MAX_SPELLED: Final = 4 * MAX_CHARACTERS  # in whatever form of Unicode


def seen(text: str) -> str:
    """What a reader sees of an id: no blanks around it, nothing invisible, each sign in its plain form."""
    if not text.isascii():
        text = _invisible.sub("", unicodedata.normalize("NFKC", text))
    return text.strip()


def means_nothing(text: str) -> bool:
    """Whether an id, or what follows the source in `<source>:<id>`, is what a program writes for no value,
    also between blanks, or characters that nobody sees."""
    return _is_no_value(seen(text)) is not None


def names_nothing(text: str) -> bool:
    """Whether the id of a thing, such as a course, is blank or what a program writes for no value."""
    return not _means_something(text) and (not seen(text) or means_nothing(text))


def is_anybodys(text: str) -> bool:
    """Whether an id that should be of one event, or one request, alone is what many would have alike.

    That is one that means nothing, zero, and one whose telling part wasn't filled in: `event-undefined`,
    `31:null`, `undefined-1`. Parts stand between `:/|,;`, and where there is none of these between `-_.+`
    and blanks; the last one, or the first before nothing but numbers, is a word of programs. Words in the
    midst of others (`null-safety-31`) are names of things.
    """
    return not _needs_no_look(text) and _is_anybodys(text)


def _is_anybodys(text: str) -> bool:
    shown = seen(text)
    if means_nothing(shown) or _is_unfinished(shown):
        return True
    if not _has_empty_part(shown):
        return False
    parts = _between_parts(shown)
    if len(parts) == 1:
        parts = _between_words(shown)
    first, *rest = parts
    return parts[-1] in _EMPTY_PARTS or (first in _EMPTY_PARTS and all(part.isdigit() for part in rest))


def invisible(text: str) -> str | None:
    """The first character of `text` that nobody sees, as `U+200B`; None where all are seen."""
    found = None if text.isascii() else _invisible.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def normal(identity: str) -> str:
    """An identity as it is kept and compared: in Unicode's form NFC, in which é is one character."""
    return identity if identity.isascii() else unicodedata.normalize("NFC", identity)
