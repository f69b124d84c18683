"""What may stand for one learner or one event: ids that mean something, are seen, and are written one way."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What programs write where they had no value, in any case: JavaScript, Python, Java, C#, Ruby, SQL, C; in
# quotes and brackets too, and for each part of an id that was put together. Then placeholders of templates
# that nobody filled, and the GUID of C# that nobody set. A GUID in braces is an id.
_WORD: Final = r"(?:undefined|null|none|nil|nan|true|false)"
NO_VALUE: Final = (
    rf"(?i:['\"`]?{_WORD}(?:[-_.,;:|+ ]{_WORD})*['\"`]?|[\[<({{](?:null|none|nil|undefined|empty)[\]>)}}]"
    r"|\[object [a-z]+\]|#?n/a|[$#]?\{{1,2} ?(?![0-9a-f-]*[0-9][0-9a-f-]*\})[a-z_][a-z0-9_.|-]* ?\}{1,2}"
    r"|(?:%7b){1,2}[a-z_][a-z0-9_.-]*(?:%7d){1,2}|<[a-z_.-]*id>|\$[a-z_]+|%[sdi@]"
    r"|\{?0{8}-(?:0{4}-){3}0{12}\}?|0{32}|[+-]?infinity|\{\}|\[\]|''|\"\")"
)
_is_no_value = re.compile(rf"(?:[^:]*:)?{NO_VALUE}").fullmatch

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


def invisible(text: str) -> str | None:
    """The first character of `text` that nobody sees, as `U+200B`; None where all are seen."""
    found = None if text.isascii() else _invisible.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def normal(identity: str) -> str:
    """An identity as it is kept and compared: in Unicode's form NFC, in which é is one character."""
    return identity if identity.isascii() else unicodedata.normalize("NFC", identity)
