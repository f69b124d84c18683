"""Which fields of each call the server's OpenAPI document has and an SDK's types lack. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Document = Mapping[str, Any]
Types = Mapping[str, Mapping[str, Iterable[str]]]

_MAX_DEPTH = 8
_KEY_HEADER = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Fields:
    """Names on the wire: of what a caller can give, and, as dotted paths, of what is answered."""

    request: frozenset[str]
    answer: frozenset[str]


def document_fields(document: Document, requests: Iterable[Mapping[str, Any]]) -> dict[str, Fields]:
    """The fields of each call in the cases of `urls.json`, by the call's canonical name."""
    found: dict[str, Fields] = {}
    for case in requests:
        if "method" in case and case["call"] not in found:
            path = urlsplit(case["url"]).path.removeprefix(urlsplit(case["base_url"]).path)
            template = _template(document, path)
            operation = document["paths"][template][case["method"].lower()]
            found[case["call"]] = Fields(
                frozenset(_request_fields(document, operation)),
                frozenset(_answer_fields(document, operation)),
            )
    return found


def missing(known: Mapping[str, Fields], types: Types) -> list[str]:
    """What the document has and the SDK's types lack, in sentences."""
    found = []
    for call, fields in sorted(known.items()):
        told = types.get(call)
        if told is None:
            found.append(f"{call}: the SDK tells no types of it")
            continue
        for kind, names in (("request", fields.request), ("answer", fields.answer)):
            found += [f"{call}: the {kind} has no {name}" for name in sorted(names - set(told.get(kind, ())))]
    return found


def _template(document: Document, path: str) -> str:
    """The path of the document that an address belongs to; one without parameters goes first."""
    if path in document["paths"]:
        return path
    for template in document["paths"]:
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return str(template)
    raise LookupError(f"the OpenAPI document has no {path}")


def _request_fields(document: Document, operation: Document) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        described = _resolved(document, parameter)
        if described["in"] in ("path", "query"):
            yield described["name"]
        elif described["name"].lower() == _KEY_HEADER:
            yield "idempotency_key"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    # Of several spellings the first is the one that SDKs send.
    for name, _ in _properties(document, body, only_first=True):
        yield name


def _answer_fields(document: Document, operation: Document) -> Iterator[str]:
    for status, response in operation.get("responses", {}).items():
        if status.startswith("2"):
            content = _resolved(document, response).get("content", {})
            yield from _paths(document, content.get("application/json", {}).get("schema", {}), "", 0)


def _paths(document: Document, schema: Document, prefix: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    for name, inner in _properties(document, schema):
        yield prefix + name
        yield from _paths(document, inner, f"{prefix}{name}.", depth + 1)
    for one in _alternatives(document, schema):
        if "items" in one:
            yield from _paths(document, one["items"], f"{prefix.removesuffix('.')}[].", depth + 1)


def _properties(
    document: Document, schema: Document, *, only_first: bool = False
) -> Iterator[tuple[str, Document]]:
    for one in _alternatives(document, schema):
        if "properties" in one:
            yield from one["properties"].items()
            if only_first:
                return


def _alternatives(document: Document, schema: Document) -> Iterator[Document]:
    """A schema and all that it is made of, without references."""
    resolved = _resolved(document, schema)
    yield resolved
    for word in ("anyOf", "oneOf", "allOf"):
        for part in resolved.get(word, ()):
            yield from _alternatives(document, part)


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema
