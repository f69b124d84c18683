"""XML from strangers as a tree with line numbers: no DTD, no entities, nothing fetched, bounded in all ways.

Expat comes with Python and is what defusedxml guards: a document type is refused as soon as it begins, so
that no entity can be declared at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from rocket_server.assessments.formats.bank import MAX_BYTES, Unreadable

MAX_DEPTH: Final = 20
MAX_NODES: Final = 200_000
MAX_TAG_BYTES: Final = 128 * 1024  # of one tag with its attributes, which are read without a pause
_PIECE_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Node:
    """An element: where it begins, its own text, its children."""

    tag: str
    attributes: dict[str, str]
    line: int
    parts: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()

    def all(self, tag: str) -> Iterator[Node]:
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Node | None:
        return next(self.all(tag), None)

    def text_of(self, *path: str) -> str:
        """The text at a path of tags, "" where it ends before."""
        node: Node | None = self
        for tag in path:
            node = node.first(tag) if node is not None else None
        return node.text if node is not None else ""


def parse(data: bytes) -> Node:
    """The root element. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"the file has {len(data)} bytes; at most {MAX_BYTES} are taken")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    builder = _Builder(parser)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            parser.Parse(data[start : start + _PIECE_BYTES], False)
            if start - max(0, parser.CurrentByteIndex) > MAX_TAG_BYTES:
                raise Unreadable(
                    f"a tag has more than {MAX_TAG_BYTES} bytes of attributes", parser.CurrentLineNumber
                )
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable(
            f"the file isn't well-formed XML: {expat.ErrorString(error.code)}", error.lineno
        ) from None
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"the file can't be decoded: {error}", parser.CurrentLineNumber) from None
    if builder.root is None:
        raise Unreadable("the file is empty")
    return builder.root


class _Builder:
    """Expat's handlers."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._open: list[Node] = []
        self._count = 0
        self.root: Node | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            raise Unreadable(f"elements lie more than {MAX_DEPTH} deep in one another", line)
        if self._count > MAX_NODES:
            raise Unreadable(f"the file has more than {MAX_NODES} elements", line)
        node = Node(tag, attributes, line)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].parts.append(text)

    def doctype(self, *_: object) -> None:
        raise Unreadable(
            "the file declares a document type, which isn't taken", self._parser.CurrentLineNumber
        )
