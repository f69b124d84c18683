"""Rules in files: read from YAML or JSON with the line of every fault, and written to be read back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    import yaml

    from rocket_server.catalogue import Activity
    from rocket_server.rules.model import Rule

STANDARD_INPUT = "-"
MAX_FILE_BYTES = 5_000_000
_FLOAT, _TEXT = "tag:yaml.org,2002:float", "tag:yaml.org,2002:str"
_ends_in_zero = re.compile(r"-?[0-9]*\.[0-9]+0").fullmatch
_MAX_NODES = 200_000  # what aliases stand for counts as often as it is meant


def read_rules(name: str, activities: Mapping[str, Activity]) -> tuple[Rule, ...]:
    """The rules in a file of YAML or JSON, or on standard input where `name` is `-`. `activities` is the
    catalogue, by whose names rules may call their events.

    Raises BadInput with a line for each fault: file, line, path, and what was expected.
    """
    from rocket_server.errors import InvalidPayload
    from rocket_server.rules import templates

    shown = "standard input" if name == STANDARD_INPUT else name
    data, lines = _load(_text(name, shown), shown)
    try:
        return templates.read_rules(data, activities)
    except InvalidPayload as error:
        faults = error.details.get("errors") or [{"path": "", "message": error.message}]
        raise BadInput(
            "\n".join(_fault(shown, lines, one["path"], one["message"]) for one in faults)
        ) from error


def written(rules: Iterable[Rule]) -> str:
    """Rules as YAML that `read_rules` reads back to equal ones."""
    return as_yaml({"rules": [rule.as_dict() for rule in rules]})


def as_yaml(data: Any) -> str:
    """JSON-like data as YAML in the order in which it stands."""
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    return text


def _text(name: str, shown: str) -> str:
    try:
        if name == STANDARD_INPUT:
            raw = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise BadInput(f"{shown}: is larger than {MAX_FILE_BYTES} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{shown}: can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{shown}: is not UTF-8; save it in that encoding") from error


def _load(text: str, shown: str) -> tuple[Any, dict[str, int]]:
    """What a document says, and the line on which each path of it stands. JSON is YAML as well."""
    import yaml

    try:
        loader = _plain_loader()(text)
    except yaml.reader.ReaderError as error:
        number = text[: error.position].count("\n") + 1
        raise BadInput(
            f"{shown}:{number}: holds a character that nobody sees (U+{error.character:04X})"
        ) from error
    try:
        node = loader.get_single_node()
        if node is None:
            raise BadInput(f"{shown}: is empty; expected rules")
        lines: dict[str, int] = {}
        _note_lines(node, "", lines, shown, [0])
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"{shown}{line}: is not YAML: {error.problem or error}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{shown}: is not YAML: {error}") from error
    except RecursionError as error:
        raise BadInput(f"{shown}: is nested too deeply") from error
    finally:
        loader.dispose()


@cache
def _plain_loader() -> type[yaml.SafeLoader]:
    """Reads a value as a number or as true, false or null only where it can't mean anything else.

    YAML 1.1 makes 83 of 0123, false of NO, 1350 of 22:30, a date of 2026-03-01 and 49170 of +49170: ids,
    countries, times and telephone numbers that somebody wrote without quotes. Such values stay the text that
    was written. What isn't read as text here is none in YAML 1.1 either, so that what other programs wrote is
    read as they meant it.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):
        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, LookupError, AttributeError) as error:  # `!!int x`, `!!bool maybe`
                kind = str(node.tag).rpartition(":")[2]
                problem = f"{str(node.value)[:100]!r} is no {kind}, as its tag says"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    PlainLoader.yaml_implicit_resolvers = {}
    for tag, pattern, beginnings in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
        ("float", r"(?:-?(?:0|[1-9][0-9]*))?\.[0-9]+(?:[eE][-+][0-9]+)?", "-.0123456789"),
        ("null", r"~|null|Null|NULL|", "~nN\0"),
        ("merge", r"<<", "<"),
    ):
        PlainLoader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}",
            re.compile(f"(?:{pattern})\\Z"),
            ["" if one == "\0" else one for one in beginnings],
        )
    return PlainLoader


def _note_lines(node: Any, path: str, lines: dict[str, int], shown: str, visited: list[int]) -> None:
    import yaml

    from rocket_server.conditions.reading import join

    visited[0] += 1
    if visited[0] > _MAX_NODES:
        raise BadInput(f"{shown}: has more than {_MAX_NODES} values, aliases included")
    lines.setdefault(path, node.start_mark.line + 1)
    if node.tag == _FLOAT and ".conditions." in path and _ends_in_zero(node.value):
        node.tag = _TEXT  # a section 1.10 isn't 1.1; as bounds of numbers the two are the same still
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _note_lines(item, f"{path}[{number}]", lines, shown, visited)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            line = key.start_mark.line + 1
            if name in seen and name != "<<":
                raise BadInput(f"{shown}:{line}: {join(path, name)}: stands here twice")
            seen.add(name)
            lines.setdefault(join(path, name), line)
            _note_lines(value, join(path, name), lines, shown, visited)


def _fault(shown: str, lines: dict[str, int], path: str, message: str) -> str:
    place = path
    while place and place not in lines:
        # What is missing is told at the line of what it is missing in.
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    where = f"{shown}:{lines.get(place, 1)}"
    return f"{where}: {path}: {message}" if path else f"{where}: {message}"
