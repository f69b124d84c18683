"""Files of rules: what they say, and where in them a fault is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from rocket_server import catalogue
from rocket_server.cli.rule_files import read_rules, written
from rocket_server.processes.faults import BadInput
from rocket_server.rules.parse import parse_rules
from rocket_server.rules.templates import templates

RULE = {"rule_id": "a", "trigger": "x.y", "actions": {"award_points": 1}}


def in_file(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "rules.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("shape", [[RULE], {"rules": [RULE]}, RULE], ids=["list", "object", "single"])
def test_every_shape_in_both_notations(tmp_path: Path, shape: object, monkeypatch: pytest.MonkeyPatch):
    """A list, an object with rules and a single rule are read, from a file and from standard input."""
    text = json.dumps(shape)
    assert [rule.rule_id for rule in read_rules(in_file(tmp_path, text), catalogue.load())] == ["a"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\xef\xbb\xbf" + text.encode())))
    assert [rule.rule_id for rule in read_rules("-", catalogue.load())] == ["a"]


def test_what_is_written_is_read_back(tmp_path: Path):
    """Every ready-made rule, and one with everything a rule can have, comes back equal."""
    everything = {
        "rule_id": "all",
        "name": "n",
        "title": 'Tout ça: "yes" #1',
        "description": "a\nb",
        "priority": -3,
        "trigger": {
            "event": "x.y",
            "source": "moodle",
            "conditions": {
                "a": "007",
                "b": {"in": ["1", 2, True, "on"]},
                "any": [{"c": 1}, {"not": {"d": "~"}}],
            },
        },
        "actions": {"multiplier": 1.15, "issue_badge": "star"},
        "constraints": {"unique_by": ["course_id", "@day"], "max_per_day": 3},
        "starts_at": "2026-03-01",
        "ends_at": "2026-04-01T10:00:00+02:00",
        "status": "draft",
    }
    rules = [template.rule for template in templates(catalogue.load(None).values())]
    rules += parse_rules([everything])
    assert list(read_rules(in_file(tmp_path, written(rules)), catalogue.load())) == rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "rules:\n- rule_id: a\n  trigger: x.y\n  actions:\n    award_pionts: 5\n",
            ":5: rules[0].actions.award_pionts: unknown field; did you mean award_points?",
        ),
        (
            "- rule_id: a\n  trigger:\n    event: x.y\n    conditions:\n      score: {gte: 80,\n"
            "        lt: 70}\n"
            "  actions: {award_points: 5}\n",
            ":5: [0].trigger.conditions.score: no value can be at least 80 and below 70",
        ),
        (
            "# nothing\n- rule_id: a\n  actions: {award_points: 5}\n",
            ":2: [0].trigger: expected the name of an event",
        ),
        (
            "- {rule_id: a, trigger: x.y, actions: {award_points: 5}, starts_at: 2026-02-30}",
            "starts_at: expected a date",
        ),
        ("a: [1\nb: 2", ":2: is not YAML"),
        ("a: 1\nb: 2\na: 3", ":3: a: stands here twice"),
        ("", "is empty; expected rules"),
        (b"\xff\xfe", "is not UTF-8; save it in that encoding"),
        ("a: 1\nb: \x00", ":2: holds a character that nobody sees (U+0000)"),
        ("a: 1\nb: !!bool maybe", ":2: is not YAML: 'maybe' is no bool, as its tag says"),
        ("a: !!int ''", ":1: is not YAML: '' is no int, as its tag says"),
        ("a: !!timestamp soon", ":1: is not YAML: 'soon' is no timestamp, as its tag says"),
        ("[" * 5000, "is nested too deeply"),
        (
            "- &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"- &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(6)),
            "values, aliases included",
        ),
        ("[]", "expected a list of 1 to 1000 rules"),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, text: str | bytes, said: str):
    """A fault is told with file, line, path and what was probably meant."""
    with pytest.raises(BadInput) as caught:
        read_rules(in_file(tmp_path, text), catalogue.load())
    assert said in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path):
    """Each fault of a file has a line of its own."""
    text = (
        "- {rule_id: a, trigger: x.y, actions: {award_points: 0}}\n- {rule_id: a b, trigger: x.y, prio: 1}\n"
    )
    with pytest.raises(BadInput) as caught:
        read_rules(in_file(tmp_path, text), catalogue.load())
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "2", "2"]


def test_no_such_file():
    """A file that isn't there is said so."""
    with pytest.raises(BadInput, match="can't be read: No such file"):
        read_rules("/nowhere/rules.yaml", catalogue.load())


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        *((text, text) for text in ("0123", "NO", "on", "22:30", "2026-03-01", "1_000", "0x1F", "0o17", "y")),
        *((text, text) for text in ("2026-03-01T10:00:00Z", ".inf", "1e3", "010.5", "=")),
        *((text, text) for text in ("+49170", "1.10", ".50", "-2.00")),
        *(
            ("123", 123),
            ("2.0", 2.0),
            ("-4", -4),
            ("1.5", 1.5),
            (".5", 0.5),
            ("true", True),
            ("False", False),
        ),
        *(("'123'", "123"), ('"true"', "true")),
    ],
)
def test_a_value_is_what_was_written(tmp_path: Path, written_as: str, expected: object):
    """Ids, countries, times and dates without quotes stay text; what can only be a number is one."""
    trigger = f"{{event: x.y, conditions: {{code: {written_as}}}}}"
    text = f"rule_id: a\ntrigger: {trigger}\nactions: {{award_points: 1}}"
    (rule,) = read_rules(in_file(tmp_path, text), catalogue.load())
    shown = rule.as_dict()["trigger"]["conditions"]["code"]
    value = shown["eq"] if isinstance(shown, dict) else shown
    assert (value, type(value)) == (expected, type(expected))
    (again,) = read_rules(in_file(tmp_path, written([rule])), catalogue.load())
    assert again == rule


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("actions: {award_points: +5}", "a whole number"),
        ("active: yes", "true or false"),
        ("actions: {award_points: 1_000}", "a whole number"),
    ],
)
def test_text_where_something_else_is_wanted_is_told_by_line(tmp_path: Path, line: str, message: str):
    """What older YAML took for true, or for a number, is refused at its line, with what is expected."""
    lines = {"rule_id": "rule_id: a", "trigger": "trigger: x.y", "actions": "actions: {award_points: 1}"}
    lines[line.partition(":")[0]] = line
    with pytest.raises(BadInput) as refused:
        read_rules(in_file(tmp_path, "\n".join(lines.values())), catalogue.load())
    number = list(lines.values()).index(line) + 1
    assert f"rules.yaml:{number}: " in str(refused.value)
    assert message in str(refused.value)


def test_an_amount_may_end_in_a_zero(tmp_path: Path):
    """1.50 is a number where a number is wanted, and a bound of numbers in a condition."""
    text = "rule_id: a\ntrigger: {event: x.y, conditions: {score: {gte: 1.50}}}\nactions: {multiplier: 1.50}"
    (rule,) = read_rules(in_file(tmp_path, text), catalogue.load())
    assert rule.as_dict()["actions"] == {"multiplier": 1.5}
    assert rule.as_dict()["trigger"]["conditions"] == {"score": {"gte": "1.50"}}
