"""The parts of an xAPI statement: who the actor is, what the activities are, what the result says; pure.

https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md has the format (version 1.0.3); lists and single
objects of contextActivities are both taken, as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

from rocket_server.sources import checks, parts, sites
from rocket_server.sources.checks import Fault, is_absent
from rocket_server.sources.parts import Parts

_DURATION: Final = re.compile(
    r"P(?:(?P<w>\d{1,8})W|(?:(?P<y>\d{1,4})Y)?(?:(?P<mo>\d{1,6})M)?(?:(?P<d>\d{1,8})D)?"
    r"(?:T(?:(?P<h>\d{1,9})H)?(?:(?P<mi>\d{1,9})M)?(?:(?P<s>\d{1,10}(?:[.,]\d{1,30})?)S)?)?)",
    re.ASCII,
)
# ISO 8601 says how long no year and no month is; these are the usual ones.
_SECONDS: Final = {"w": 604_800, "y": 31_536_000, "mo": 2_592_000, "d": 86_400, "h": 3_600, "mi": 60, "s": 1}
_COURSES: Final = frozenset({"course", "curriculum", "lms-course", "moocs"})
_QUIZZES: Final = frozenset({"assessment", "quiz", "test", "exam", "unit-test", "examination"})
_QUESTIONS: Final = frozenset({"question", "cmi.interaction", "interaction"})
_PROGRAMS: Final = frozenset(
    {"learning-path", "learningpath", "program", "programme", "certificate", "certification"}
)
_PROGRESS: Final = re.compile(r"[/#](?:progress|percent|percentage)$")


def last_word(iri: str) -> str:
    """What an IRI ends in: `http://adlnet.gov/expapi/verbs/completed` is `completed`."""
    return re.split(r"[/#]", iri.rstrip("/#"))[-1].lower()


def identifier(value: Any) -> str:
    """An IRI or other id, as long as ids may be: a longer one ends in a digest of it; else Fault."""
    if type(value) is str and len(value) > checks.MAX_ID:
        value = f"{value[:200]}#{blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
    return checks.identifier(value)


def duration_s(value: Any) -> int:
    """An ISO 8601 duration in whole seconds; else Fault. A year has 365 days, a month 30."""
    found = _DURATION.fullmatch(value) if type(value) is str else None
    if found is None or not any(found.groupdict().values()):
        raise Fault('must be a duration in the form of ISO 8601, such as "PT1H30M"')
    amounts = {unit: text for unit, text in found.groupdict().items() if text}
    return int(sum(float(text.replace(",", ".")) * _SECONDS[unit] for unit, text in amounts.items()))


def actor(statement: Parts, site: str | None) -> tuple[str | None, str | None]:
    """The actor's id, and the site whose account it is. Faults are noted; None also for a group.

    An account of the source's own site is known by its name, one of another by both. An address is an id in
    small letters.
    """
    name = statement.at("actor.account.name")
    if name is not None:
        home = statement.text("actor.account.homePage", reader=identifier)
        user_id = statement.text("actor.account.name", reader=parts.learner_id)
        if home is not None and site is not None and sites.same_as(home) != sites.same_as(site):
            elsewhere = quote(sites.same_as(home), safe="")
            return (None if user_id is None else f"{elsewhere}|{user_id}"), None
        return user_id, home
    for path, form in (
        ("actor.mbox", address),
        ("actor.mbox_sha1sum", _sha1sum),
        ("actor.openid", _openid),
    ):
        if statement.at(path) is not None:
            return statement.text(path, reader=form), None
    statement.fault("actor.account.name", "is required, or actor.mbox")
    return None, None


def address(value: Any) -> str:
    """The address in a `mailto:`, in small letters; else Fault."""
    if type(value) is not str:
        raise Fault("must be text, mailto: and an address")
    return checks.user_id(checks.email(value.removeprefix("mailto:").lower()))


def _sha1sum(value: Any) -> str:
    if type(value) is not str or re.fullmatch("[0-9A-Fa-f]{40}", value) is None:
        raise Fault("must be a SHA-1 sum in hex")
    return f"mbox_sha1sum:{value.lower()}"


def _openid(value: Any) -> str:
    return checks.user_id(quote(value, safe=":") if type(value) is str else value)


def kind_of(activity: Any) -> str:
    """What an activity is, as the domain of an event's name; `lesson` where nothing more is said."""
    word = last_word(str(parts.at(activity, "definition.type") or ""))
    if word in _COURSES:
        return "course"
    if word in _QUIZZES:
        return "quiz"
    if word in _QUESTIONS:
        return "question"
    return "program" if word in _PROGRAMS else "section" if word == "block" else "lesson"


def title_of(activity: Any) -> str | None:
    """An activity's name, in the first of its languages."""
    names = parts.at(activity, "definition.name")
    found = next(iter(names.values()), None) if isinstance(names, Mapping) else names
    return found if isinstance(found, str) else None


def context_activities(statement: Parts) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The activities that a statement's own stands in, the nearest first, each with its path."""
    for relation in ("parent", "grouping"):
        path = f"context.contextActivities.{relation}"
        found = statement.at(path)
        for number, one in enumerate(found if isinstance(found, list) else [found]):
            if isinstance(one, Mapping) and not is_absent(one.get("id")):
                yield f"{path}[{number}]" if isinstance(found, list) else path, one


def result(statement: Parts) -> dict[str, Any]:
    """What `result` says, under our own names."""
    found: dict[str, Any] = {
        "score": statement.read("result.score.raw", reader=parts.number),
        "max_score": statement.read("result.score.max", reader=parts.number),
        "min_score": statement.read("result.score.min", reader=parts.number),
        "score_pct": statement.read("result.score.scaled", reader=_scaled),
        "passed": statement.read("result.success", reader=_truth),
        "time_on_task_sec": statement.read("result.duration", reader=duration_s),
        "progress_pct": _progress(statement),
    }
    if found["score_pct"] is None and found["score"] is not None and found["max_score"] is not None:
        least = found["min_score"] or 0
        if found["max_score"] > least:
            share = (found["score"] - least) / (found["max_score"] - least)
            found["score_pct"] = round(100 * min(max(share, 0), 1), 2)
    return {name: value for name, value in found.items() if value is not None}


def is_unfinished(statement: Parts) -> bool:
    """Whether the result says that the activity isn't completed."""
    return statement.read("result.completion", reader=_truth) is False


def _scaled(value: Any) -> float:
    number = parts.number(value)
    if not -1 <= number <= 1:
        raise Fault("must be a number from -1 to 1")
    return round(100 * max(number, 0), 2)


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Fault("must be true or false")
    return value


def _progress(statement: Parts) -> int | float | None:
    """The progress in one of the usual extensions, such as that of cmi5."""
    extensions = statement.at("result.extensions")
    if isinstance(extensions, Mapping):
        for name, value in extensions.items():
            if _PROGRESS.search(name):
                try:
                    return parts.percentage(value)
                except Fault:
                    return None
    return None
