"""A request's bytes become fields: JSON or a form, whatever the Content-Type says, and errors that help."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from rocket_server.decoding import MAX_EVENT_PARTS, decode, has_more_parts
from rocket_server.errors import InvalidPayload

MAX_FORM_FIELDS: Final = 1_000

_BYTE = re.compile(r"\(byte (\d+)\)")
# A JSON field up to its colon, at the end of a text; and one followed by nothing that could be a value.
_FIELD_BEFORE = re.compile(r'"([^"\\]{1,100})"\s*:\s*$')
_FIELD_WITH_PLACEHOLDER = re.compile(r'"([^"\\]{1,100})"\s*:\s*\{$')
_FORM_FIELD = re.compile(r"[A-Za-z0-9_%.\[\]-]+=")


def parse(body: bytes, content_type: str | None) -> dict[str, Any] | list[Any]:
    """The fields of a body. Of a key that comes twice, the last one counts.

    Raises InvalidPayload where the body is no UTF-8, no JSON object or array and no form, or holds what
    can't be stored (NUL characters, lone surrogates). The caller bounds the size.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidPayload(f"The body is not UTF-8: byte {error.start} can't be read.") from None
    start = text.lstrip()[:1]
    if not start:
        raise InvalidPayload("The body is empty. Send the event as a JSON object.")
    if start not in "{[" and (_says_form(content_type) or _FORM_FIELD.match(text.lstrip())):
        return _parse_form(text)
    if has_more_parts(body, MAX_EVENT_PARTS):
        raise InvalidPayload(
            f"The body has more than {MAX_EVENT_PARTS} values, objects and lists. Send fewer at once.",
            {"limit_parts": MAX_EVENT_PARTS},
        )
    return _parse_json(text)


def check_storable(texts: list[str]) -> None:
    """Raises InvalidPayload where a text holds what PostgreSQL and UTF-8 can't: NUL, lone surrogates."""
    joined = "".join(texts)
    if "\x00" in joined:
        raise InvalidPayload("The body holds a NUL character, which can't be stored. Remove it.")
    try:
        joined.encode()
    except UnicodeEncodeError:
        raise InvalidPayload("The body holds half of a surrogate pair, which is no character.") from None


def _says_form(content_type: str | None) -> bool:
    return content_type is not None and "form-urlencoded" in content_type.lower()


def _parse_form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise InvalidPayload(f"The form has more than {MAX_FORM_FIELDS} fields.") from None
    if not pairs:
        raise InvalidPayload("The body is a form without fields. Send the event as a JSON object.")
    check_storable([part for pair in pairs for part in pair])
    return dict(pairs)


def _parse_json(text: str) -> dict[str, Any] | list[Any]:
    try:
        content = decode(text)
    except RecursionError:
        raise InvalidPayload("The JSON is nested too deeply.") from None
    except msgspec.MsgspecError as error:
        raise _json_error(text, str(error)) from None
    if not isinstance(content, dict | list):
        raise InvalidPayload("The body is JSON, but neither an object nor an array. Send one event as {…}.")
    if "\\u" in text:  # only an escape can bring in what the decoder of the bytes let pass
        check_storable(texts(content))
    return content


def texts(content: dict[str, Any] | list[Any]) -> list[str]:
    """Every text in decoded JSON, names of fields included."""
    found: list[str] = []
    waiting: list[Any] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _json_error(text: str, reason: str) -> InvalidPayload:
    """What is wrong with a body that should have been JSON, in the words of an administrator's template."""
    found = _BYTE.search(reason)
    if found is None:
        if "truncated" in reason:
            return InvalidPayload(
                "The JSON ends too early, or holds a broken \\u escape.", {"expected": "JSON"}
            )
        return InvalidPayload(
            f"The JSON can't be read: {reason.split(' - at')[0].lower()}.", {"expected": "JSON"}
        )
    before = text.encode()[: int(found[1])].decode(errors="ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    where = f"The JSON is invalid at line {line}, column {column}"
    details: dict[str, Any] = {"line": line, "column": column, "expected": "JSON"}
    end = before[-300:]  # a bound for the patterns; field names are shorter
    field = _FIELD_BEFORE.search(end) or _FIELD_WITH_PLACEHOLDER.search(end)
    if field is None:
        wrong = _BYTE.sub("", reason.removeprefix("JSON is malformed: ")).strip()
        return InvalidPayload(f"{where}: {wrong}.", details)
    name = field[1]
    details["field"] = name
    if before.endswith("{"):
        fault = f'the placeholder of the field "{name}" was sent without quotes'
    elif text[len(before) : len(before) + 1] in {",", "}", ""}:
        fault = f'the field "{name}" has no value, because an empty value was sent without quotes'
    else:
        fault = f'the value of the field "{name}" was sent without quotes'
    advice = f'Put quotes around each placeholder in the Event Trigger template: "{name}": "{{{name}}}".'
    return InvalidPayload(f"{where}: {fault}. {advice}", details)
