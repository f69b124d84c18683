"""The pages on scoring and on question banks, compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rocket_server.assessments.formats import bank, gift, gift_write, moodle_xml, moodle_xml_write, xml_tree
from rocket_server.assessments.grading import METHODS
from rocket_server.assessments.model import KINDS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
FORMATS = (REFERENCE / "assessments-formats.md").read_text(encoding="utf-8")
SCORING = (REFERENCE / "assessments-scoring.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(xml|gift)\n(.*?)^```$", FORMATS, re.M | re.S))


@pytest.mark.parametrize(
    ("name", "read", "write", "kinds"),
    [
        (
            "xml",
            moodle_xml.read,
            moodle_xml_write.write,
            ["mcq", "true_false", "fill_blank", "match", "essay"],
        ),
        (
            "gift",
            gift.read,
            gift_write.write,
            ["mcq", "mcq", "multiple_answer", "true_false", "fill_blank", "match", "essay"],
        ),
    ],
)
def test_the_examples_are_read_and_come_back(name, read, write, kinds):
    """Each example on the page is a bank that is read without a note, written, and read again the same."""
    found = read(BLOCKS[name].encode())
    assert [entry.question.kind for entry in found.entries] == kinds
    assert found.notes == []
    again = read(write(found.entries).text.encode())
    assert [entry.question for entry in again.entries] == [entry.question for entry in found.entries]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_on_both_pages(kind):
    """A kind of question is described where it is scored and where it is exchanged."""
    assert f"`{kind}`" in SCORING
    assert f"`{kind}`" in FORMATS


def test_the_bounds_are_those_of_the_code():
    """The page names the bounds that are kept."""
    bounds = FORMATS.partition("## Bounds")[2]
    for bound in (bank.MAX_BYTES, bank.MAX_QUESTIONS, xml_tree.MAX_NODES, xml_tree.MAX_DEPTH):
        assert f"{bound:,}" in bounds
    for method in METHODS:
        assert f"`{method}`" in SCORING
