"""Banks of questions come in as files and go out as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from rocket_server.assessments.bank import store
from rocket_server.assessments.bank.store import Wanted
from rocket_server.assessments.fields import MAX_ID
from rocket_server.assessments.formats import gift, gift_write, moodle_xml, moodle_xml_write
from rocket_server.assessments.formats.bank import (
    MAX_QUESTIONS,
    Bank,
    Entry,
    Note,
    Unreadable,
    Written,
    name_of,
)
from rocket_server.assessments.keys import missing
from rocket_server.assessments.model import Question
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import InvalidPayload
from rocket_server.ids import uuid4, uuid7s
from rocket_server.usecases.examination import banking
from rocket_server.usecases.examination.authors import Author

Format = Literal["moodle_xml", "gift"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_READERS: Final = {"moodle_xml": moodle_xml.read, "gift": gift.read}
_WRITERS: Final = {"moodle_xml": moodle_xml_write.write, "gift": gift_write.write}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a file is to be taken. Without `category_id` a question's category is its path in the file."""

    format: Format
    publish: bool = False
    category_id: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: its questions, with their ids where they were kept, and every note."""

    entries: Sequence[Entry]
    notes: Sequence[Note]
    more_notes: int


def read(data: bytes, wish: Wish) -> Imported:
    """The questions of a file, which aren't kept yet. Takes a second for thousands of them. Raises
    InvalidPayload with the line."""
    try:
        bank = _READERS[wish.format](data, uuid4)
    except Unreadable as fault:
        where = "" if fault.line is None else f" Line {fault.line}."
        details = {"field": "", "line": fault.line}
        raise InvalidPayload(f"The file can't be read: {fault}.{where}", details) from None
    return Imported([_placed(entry, bank, wish) for entry in bank.entries], bank.notes, bank.more_notes)


async def keep(conn: Any, configuration: Configuration, found: Imported, author: Author) -> Imported:
    """Keep the questions of a file, all of them, and tell of each."""
    ids = uuid7s(len(found.entries))
    entries = [
        replace(entry, question=replace(entry.question, id=question_id))
        for entry, question_id in zip(found.entries, ids, strict=True)
    ]
    if entries:
        await banking.add(conn, configuration, [entry.question for entry in entries], author)
    return replace(found, entries=entries)


async def asked_for(conn: Any, organisation_id: str, wanted: Wanted, limit: int, offset: int) -> list[Entry]:
    """Questions of the bank, in the order in which they were made."""
    found = await store.page(conn, organisation_id, wanted, min(limit, MAX_QUESTIONS), offset)
    return [Entry(one.question, one.question.category_id) for one in reversed(found)]


def written(form: Format, entries: Sequence[Entry]) -> Written:
    """Questions as a file. Takes a second for thousands of them."""
    return _WRITERS[form](entries)


def _placed(entry: Entry, bank: Bank, wish: Wish) -> Entry:
    """The entry with its category, and published where that is wished and it can be."""
    question: Question = entry.question
    category = wish.category_id or entry.category
    if category is not None and len(category) > MAX_ID:
        lost = f"not kept: its category's path of {len(category)} characters"
        bank.note(Note(name_of(entry), lost, entry.line))
        category = None
    question = replace(question, category_id=category)
    if wish.publish:
        lacks = missing(question)
        if lacks:
            said = "; ".join(f"{fault.path} {fault.message}" for fault in lacks)
            bank.note(Note(name_of(entry), f"is kept as a draft: {said}", entry.line))
        else:
            question = replace(question, status="published")
    return replace(entry, question=question)
