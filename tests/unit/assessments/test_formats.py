"""Moodle XML and GIFT: every kind that fits comes in, is scored, goes out and comes in again the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rocket_server.assessments.answers import Blanks, Choice, Matches
from rocket_server.assessments.formats import gift, gift_write, moodle_xml, moodle_xml_write, xml_tree
from rocket_server.assessments.formats.bank import Entry, Unfit, Unreadable
from rocket_server.assessments.formats.percentages import (
    marks_of,
    percentage_of,
    read_percentage,
    write_percentage,
)
from rocket_server.assessments.formats.xml_tree import MAX_DEPTH
from rocket_server.assessments.model import Option, Question
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.scoring import score_answer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "assessments"
XML = (FIXTURES / "bank.xml").read_bytes()
GIFT = (FIXTURES / "bank.gift").read_bytes()
D = Decimal


def _by_name(bank):
    return {entry.question.alias or entry.question.text: entry.question for entry in bank.entries}


def _questions(bank):
    return [(entry.question, entry.category) for entry in bank.entries]


def test_moodle_xml_of_every_kind_is_read():
    """Each kind of a Moodle's export becomes the kind it is here, with marks, formats and feedback."""
    bank = moodle_xml.read(XML)
    assert bank.notes == []
    found = _by_name(bank)
    assert {name: question.kind for name, question in found.items()} == {
        "Capital of Italy": "mcq", "Costs of their own": "mcq", "Thirds": "multiple_answer",
        "Unequal parts": "multiple_answer", "Sky": "true_false", "Multiplication sign": "fill_blank",
        "Capitals": "match", "In one sentence": "subjective", "Essay on rivers": "essay",
        "All or nothing": "multiple_answer",
    }  # fmt: skip
    assert {entry.category for entry in bank.entries} == {"$course$/top/Geography", "$course$/top/Writing"}
    assert [entry.line for entry in bank.entries][:2] == [15, 60]
    italy = found["Capital of Italy"]
    assert (italy.text, italy.text_format, italy.marks, italy.level, italy.feedback) == (
        '<p dir="ltr">What is the capital of <b>Italy</b>?</p>', "html", D(2), "easy",
        "<p>It has been since 1871.</p>",
    )  # fmt: skip
    assert [(option.text, option.feedback) for option in italy.options] == [
        ("<p>Rome</p>", "<p>Right.</p>"), ("Milan & Monza", None), ("Turin", "Until 1865."),
    ]  # fmt: skip
    essay = found["Essay on rivers"]
    assert (essay.writing.word_limit, essay.writing.grader_info) == (
        300, "<p>Source, course, mouth: <b>three</b> marks each.</p>",
    )  # fmt: skip
    assert [option.text for option in found["Sky"].options] == ["True", "False"]


@pytest.mark.parametrize(
    ("name", "answer", "marks"),
    [
        ("Capital of Italy", Choice(("1",)), "2"),
        ("Capital of Italy", Choice(("3",)), "-0.66"),
        ("Costs of their own", Choice(("1",)), "0"),
        ("Costs of their own", Choice(("3",)), "-1.5"),
        ("Thirds", Choice(("1", "2", "3")), "1"),
        ("Thirds", Choice(("1", "2")), "0.67"),
        ("Thirds", Choice(("1", "2", "4")), "0.17"),
        ("Thirds", Choice(("1", "2", "3", "4", "5")), "0"),
        ("Unequal parts", Choice(("1",)), "2"),
        ("Unequal parts", Choice(("1", "2", "3")), "2.5"),
        ("Unequal parts", Choice(("1", "4")), "0"),
        ("Sky", Choice(("2",)), "1"),
        ("Multiplication sign", Blanks(("2*3",)), "2"),
        ("Multiplication sign", Blanks(("mul(2, 3)",)), "1"),
        ("Multiplication sign", Blanks(("MUL(2, 3)",)), "0"),
        ("Multiplication sign", Blanks(("2\\*3",)), "0"),
        ("Capitals", Matches((("1", "Paris"), ("2", "Oslo"))), "2"),
        ("Capitals", Matches((("1", "Paris"), ("2", "Rome"))), "4"),
        ("All or nothing", Choice(("1",)), "0"),
        ("All or nothing", Choice(("1", "2")), "2"),
    ],
)
def test_what_was_imported_is_scored_as_moodle_would(name, answer, marks):
    """Percentages of answers have become marks: thirds are thirds, costs are costs, a word earns its part."""
    assert score_answer(_by_name(moodle_xml.read(XML))[name], answer).marks == D(marks)


def test_moodle_xml_comes_back_without_a_difference():
    """Read, written and read again, a bank of every kind is the same, categories and all."""
    bank = moodle_xml.read(XML)
    written = moodle_xml_write.write(bank.entries)
    again = moodle_xml.read(written.text.encode())
    assert _questions(again) == _questions(bank)
    assert again.notes == []
    assert moodle_xml_write.write(again.entries).text == written.text
    assert [(note.name, note.refused) for note in written.notes] == [("All or nothing", False)]


def test_gift_of_every_kind_is_read():
    """Each kind that GIFT has becomes the kind it is here, missing words, weights and comments included."""
    bank = gift.read(GIFT)
    assert [note.message for note in bank.notes] == [
        "feedback of an answer is kept as html instead of markdown"
    ]
    found = _by_name(bank)
    assert {name: question.kind for name, question in found.items()} == {
        "Capital of Italy": "mcq", "Two plus _____ equals four.": "mcq", "Rivers": "multiple_answer",
        "Thirds": "multiple_answer", "Sky": "true_false", "Grass": "true_false", "Grant": "fill_blank",
        "Water boils at _____ degrees.": "fill_blank", "Capitals": "match", "Essay": "essay",
        "Essay with a word": "essay",
    }  # fmt: skip
    italy = found["Capital of Italy"]
    assert (italy.text, italy.text_format, italy.level, italy.feedback) == (
        "<p>What is the capital of <b>Italy</b>: tell\\!</p>", "html", "easy", "It has been since 1871.",
    )  # fmt: skip
    assert [(option.text, option.marks) for option in italy.options] == [
        ("Rome", 0), ("Milan = Milano", 0), ("Turin", D("-0.5")),
    ]  # fmt: skip
    assert [(option.text, option.is_correct, option.feedback) for option in found["Sky"].options] == [
        ("True", False, "Look up."), ("False", True, "Indeed."),
    ]  # fmt: skip
    assert [(option.text, option.marks) for option in found["Grant"].options] == [
        ("no one", 1), ("nobody", 1), ("some~body", D("0.5")),
    ]  # fmt: skip
    assert found["Essay"].text == "Write about\n\nrivers."
    assert found["Essay with a word"].feedback == "Thank you {all}."
    assert [entry.line for entry in bank.entries] == [5, 12, 17, 23, 25, 27, 29, 31, 34, 41, 43]
    assert {entry.category for entry in bank.entries} == {"$course$/top/Geography", "$course$/top/Other"}
    assert score_answer(found["Thirds"], Choice(("1", "2", "3", "4"))).marks == D("0.67")


def test_gift_comes_back_without_a_difference():
    """Read, written and read again, a bank of every kind is the same."""
    bank = gift.read(GIFT)
    written = gift_write.write(bank.entries)
    again = gift.read(written.text.encode())
    assert _questions(again) == _questions(bank)
    assert (written.notes, again.notes) == ([], [])
    assert gift_write.write(again.entries).text == written.text


def test_gift_goes_to_moodle_xml_and_back():
    """Whatever GIFT can say, Moodle XML says too."""
    bank = gift.read(GIFT)
    through = moodle_xml.read(moodle_xml_write.write(bank.entries).text.encode())
    assert _questions(through) == _questions(bank)


@pytest.mark.parametrize(
    ("file", "read", "reasons"),
    [
        (
            "refused.xml",
            moodle_xml.read,
            {
                "Sum": (3, "calculated"), "Gaps": (4, "cloze"), "Drag": (5, "ddwtos"),
                "Born": (6, "numerical"), "Read this": (7, "description"),
                "Half right": (8, "gives 50%"), "Not a whole": (10, "90% together"),
                "More than all": (12, "no percentage"), "A picture": (14, "embedded file, map.png"),
                "Anything": (16, "col*r"), "Nobody can": (18, "no answer of 100%"),
                "With a file": (20, "attached files"), "For nothing": (21, "above 0"),
                "Wiki": (22, "wiki_like"), "No text": (23, "no text"), "No target": (24, "matchWith"),
                "Both": (26, "100% for one"),
            },
        ),
        (
            "refused.gift",
            gift.read,
            {
                "Born": (1, "numerical"), "Read this": (3, "a description"), "Half right": (5, "gives 50%"),
                "Open": (7, "brace"), "Twice": (9, "more than one pair"), "Anything": (11, "col*r"),
                "No target": (13, "without its target: c"), "Not a whole": (15, "90% together"),
            },
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_line(file, read, reasons):
    """A question of another kind, or one that would be scored otherwise, is refused; the rest is read on."""
    bank = read((FIXTURES / file).read_bytes())
    found = {note.name: note for note in bank.notes if note.refused}
    assert {name: note.line for name, note in found.items()} == {
        name: line for name, (line, _) in reasons.items()
    }
    for name, (_, reason) in reasons.items():
        assert reason in found[name].message
    assert [entry.question.kind for entry in bank.entries] == ["essay"]


def test_what_changes_is_told():
    """Wrong choices that cost nothing in Moodle, words that earn nothing, hints, tags and more are named."""
    xml = """<quiz>
      <question type="multichoice"><name><text>Free</text></name><questiontext><text>z</text></questiontext>
        <single>false</single><idnumber>7</idnumber><hint><text>h</text></hint>
        <tags><tag><text>chapter 1</text></tag></tags>
        <answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer></question>
      <question type="shortanswer"><name><text>Words</text></name><questiontext><text>z</text></questiontext>
        <answer fraction="100"><text>a</text></answer><answer fraction="0"><text>*</text></answer>
        <answer fraction="100"><text>A</text></answer></question>
    </quiz>"""
    bank = moodle_xml.read(xml.encode())
    assert [(note.name, note.message.split(":")[0], note.refused) for note in bank.notes] == [
        ("Free", "wrong choices cost nothing there; here each costs its share, so that picking everything "
                 "earns nothing", False),
        ("Free", "not kept", False),
        ("Words", "not kept", False),
    ]  # fmt: skip
    assert bank.notes[1].message == "not kept: hints, the id number, the tag chapter 1"
    assert bank.notes[2].message == "not kept: answers that earn nothing (*, A)"
    assert score_answer(bank.entries[0].question, Choice(("1", "2"))).marks == 0


BLANKS = {"type": "fill_blank", "text": "_ _", "marks": 1, "options": [
    {"text": "a", "blankIndex": 0}, {"text": "b", "blankIndex": 1}]}  # fmt: skip
WORD = {"type": "fill_blank", "text": "_", "marks": 1, "options": [{"text": "a", "blankIndex": 0}]}
PAIRS = [{"text": "a", "matchWith": "x"}, {"text": "b", "matchWith": "y"}]
PAIR = {"type": "match", "text": "z", "marks": 2, "options": PAIRS, "allowPartialScoring": True}
TRUTH = {"type": "true_false", "text": "z", "marks": 1, "options": [
    {"text": "False", "isCorrect": True}, {"text": "True"}]}  # fmt: skip
SEVERAL = {"type": "multiple_answer", "text": "z", "marks": 7, "allowPartialScoring": True, "options": [
    {"text": "a", "isCorrect": True}, {"text": "b"}]}  # fmt: skip
CHOICE = {"type": "mcq", "text": "z", "marks": 7, "options": SEVERAL["options"]}


@pytest.mark.parametrize(
    ("write", "data", "reason"),
    [
        (moodle_xml_write.write, BLANKS, "has 2 blanks"),
        (moodle_xml_write.write, {**PAIR, "allowPartialScoring": False}, "all or nothing"),
        (moodle_xml_write.write, {**TRUTH, "negativeMarks": 1}, "negative marks"),
        (moodle_xml_write.write, {**SEVERAL, "negativeMarks": 1}, "negative marks"),
        (moodle_xml_write.write, {**CHOICE, "negativeMarks": 2.51}, "no percentage of five decimals"),
        (moodle_xml_write.write, {**TRUTH, "media": {"image": "https://example.org/a.png"}}, "media"),
        (moodle_xml_write.write, {**TRUTH, "gradingType": "feedback"}, "isn't scored"),
        (moodle_xml_write.write, {**TRUTH, "text": "a\x0bb"}, "U+000B"),
        (moodle_xml_write.write, {"type": "mcq", "text": "z", "marks": 1}, "no options yet"),
        (moodle_xml_write.write, {"type": "essay", "text": "z"}, "no marks yet"),
        (gift_write.write, {**SEVERAL, "allowPartialScoring": False}, "all or nothing"),
        (gift_write.write, {**WORD, "params": {"caseSensitive": True}}, "letter case"),
        (gift_write.write, {**WORD, "options": [{"text": "a -> b", "blankIndex": 0}]}, "->"),
        (gift_write.write, {**PAIR, "options": [{"text": "a -> b", "matchWith": "x"}, *PAIRS[1:]]}, "->"),
    ],
)
def test_what_would_be_scored_otherwise_is_not_written(write, data, reason):
    """A question that a format can't say exactly is left out of the file, by a note with its name."""
    written = write([Entry(parse_question(data))])
    assert [note.refused for note in written.notes] == [True]
    assert reason in written.notes[0].message
    assert "z" not in written.text.replace("quiz", "")


def test_what_a_file_has_no_place_for_is_told():
    """A rubric, limits and marks in GIFT are left behind with a note, since no score hangs on them."""
    essay = parse_question(
        {"type": "subjective", "text": "z", "marks": 5, "alias": "E", "description": "d", "params": {
            "minLength": 1, "wordLimit": 9, "rubric": {"criteria": [{"name": "a", "maxScore": 5}]}}}
    )  # fmt: skip
    assert [note.message for note in moodle_xml_write.write([Entry(essay)]).notes] == [
        "not kept: the description, the rubric, the least length"
    ]
    assert gift_write.write([Entry(essay)]).notes[0].message == (
        "not kept: the description, the rubric, the least length, the word limit, its 5 marks: GIFT has none "
        "and Moodle gives 1, that its answer is short"
    )


BILLION = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><quiz>&b;</quiz>'
OUTSIDE = '<!DOCTYPE quiz SYSTEM "file:///etc/passwd"><quiz/>'


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (BILLION.encode(), "document type", 1),
        (OUTSIDE.encode(), "document type", 1),
        (b"\n<quiz>&x;</quiz>", "undefined entity", 2),
        (b"<quiz>\n<question></quiz>", "mismatched tag", 2),
        (b"", "no element found", 1),
        (b"<questestinterop/>", "begins with <questestinterop>", 1),
        (b"<a>" * (MAX_DEPTH + 1), "deep", 1),
        (b'<?xml version="1.0" encoding="klingon"?><quiz/>', "encoding", 1),
        (b" " * 5_000_001, "at most 5000000", None),
        (b"<quiz>\xff</quiz>", "not well-formed", 1),
        (b"<quiz " + b" ".join(b'a%d="b"' % n for n in range(30_000)) + b"/>", "bytes of attributes", 1),
    ],
)
def test_hostile_xml_is_refused_as_a_whole(data, message, line):
    """Document types, entities, depth, size and broken XML are refused with their line."""
    with pytest.raises(Unreadable, match=message) as refused:
        moodle_xml.read(data)
    assert refused.value.line == line


@pytest.mark.parametrize("text", ["x" * 1_000_000, "<![CDATA[" + "y" * 1_000_000 + "]]>"])
def test_long_texts_are_taken(text):
    """A tag is bounded, and a text between two of them, such as an image, only by the file."""
    root = xml_tree.parse(f"<quiz><text>{text}</text></quiz>".encode())
    assert len(root.text_of("text")) == 1_000_000


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"a{}\n\n\xff", "UTF-8", 3),
        ("a{}\n\ufdd0".encode(), "U\\+FDD0", 2),
        (b"x" * 5_000_001, "at most", None),
        (b"a{}\n\n" * 2_001, "more than 2000 questions", 4_001),
    ],
)
def test_hostile_gift_is_refused_as_a_whole(data, message, line):
    """Other encodings, noncharacters and too many questions are refused with their line."""
    with pytest.raises(Unreadable, match=message) as refused:
        gift.read(data)
    assert refused.value.line == line


SIGNS = "{}=~#:%\\[]/$\n->TFa5*< "


@pytest.mark.parametrize("read", [gift.read, moodle_xml.read])
@given(data=st.one_of(st.binary(max_size=60), st.text(SIGNS, max_size=60).map(str.encode)))
def test_no_file_breaks_a_reader(read, data):
    """Any bytes are read or refused, and never an error of another kind."""
    try:
        bank = read(data)
    except Unreadable:
        return
    assert all(note.message for note in bank.notes)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('<answer fraction="1e-999999999"/>', "no percentage"),
        ('<answer fraction="1e999999999"/>', "no percentage"),
        ("<defaultgrade>1e999999999</defaultgrade>", "no number"),
        (f"<defaultgrade>{'9' * 40}</defaultgrade>", "no number"),
        ("<defaultgrade>1e30</defaultgrade>", "no number"),
    ],
)
def test_a_number_that_asks_for_a_billion_digits_is_refused_at_once(element, reason):
    """An exponent or a row of digits in a file costs no time and breaks no import: its question is refused,
    and the next one is read."""
    text = "<questiontext><text>t</text></questiontext>"
    bank = moodle_xml.read(
        f'<quiz><question type="shortanswer">{text}{element}</question>'
        f'<question type="essay">{text}</question></quiz>'.encode()
    )
    assert [reason in note.message for note in bank.notes] == [True]
    assert [entry.question.kind for entry in bank.entries] == ["essay"]


@pytest.mark.parametrize("element", ["maxwordlimit", "responsefieldlines"])
def test_a_digit_that_counts_nothing_is_no_limit(element):
    """A raised two is a digit to Unicode and no number: the essay has no limit, and is taken."""
    text = "<questiontext><text>t</text></questiontext>"
    bank = moodle_xml.read(
        f'<quiz><question type="essay">{text}<{element}>²</{element}></question></quiz>'.encode()
    )
    assert [(e.question.kind, e.question.writing.word_limit) for e in bank.entries] == [("essay", None)]


@pytest.mark.parametrize(
    ("text", "part"),
    [("100", "1"), ("33.33333", "1/3"), ("66.66667", "2/3"), ("-14.28571", "-1/7"),
     ("33.333", "33333/100000"), ("0", "0"), ("", "0"), (" 12.5 ", "1/8"), ("1", "1/100")],
)  # fmt: skip
def test_percentages_are_the_fractions_they_stand_for(text, part):
    """Five decimals of a simple fraction are that fraction; anything else is what it says."""
    assert read_percentage(text) == Fraction(part)


@pytest.mark.parametrize("text", ["150", "-100.1", "half", "NaN", "Infinity", "1e9", "1e-9", "1_0"])
def test_what_is_no_percentage_is_refused(text):
    """Beyond a whole, or no number at all."""
    with pytest.raises(Unfit):
        read_percentage(text)


@given(st.integers(-10_000_000, 10_000_000), st.integers(1, 100_000))
def test_what_is_written_is_what_was_read(parts, cents):
    """A percentage of up to five decimals, turned into marks and back, gives the same marks."""
    marks = D(cents) / 100
    worth = marks_of(read_percentage(f"{D(parts) / 100_000:f}"), marks)
    assert marks_of(read_percentage(write_percentage(percentage_of(worth, marks))), marks) == worth


CHARACTERS = st.characters(exclude_categories=("Cs", "Cn", "Cc"), include_characters=SIGNS)
TEXTS = st.text(CHARACTERS).map(str.strip)
WORDS = TEXTS.filter(bool)
NO_ARROWS = WORDS.filter(lambda word: "->" not in word)


@st.composite
def questions(draw) -> Question:
    """Questions of every kind that both formats can say, with any texts."""
    kind = draw(st.sampled_from(["mcq", "multiple_answer", "true_false", "fill_blank", "match", "essay"]))
    text_format = draw(st.sampled_from(["html", "plain", "markdown", "moodle"]))
    feedback = st.one_of(st.none(), WORDS)

    def option(text, **more):
        return Option("", text, text_format=text_format, feedback=draw(feedback), **more)

    options: list[Option] = []
    if kind == "mcq":
        options = [option(draw(WORDS), is_correct=place == 1) for place in range(draw(st.integers(2, 4)))]
    elif kind == "multiple_answer":
        options = [option(draw(WORDS), is_correct=place < 2) for place in range(draw(st.integers(2, 5)))]
    elif kind == "true_false":
        right = draw(st.booleans())
        options = [option("True", is_correct=right), option("False", is_correct=not right)]
    elif kind == "fill_blank":
        words = draw(st.lists(NO_ARROWS, min_size=1, max_size=3, unique_by=str.casefold))
        options = [option(word, is_correct=True, blank_index=0) for word in words]
    elif kind == "match":
        items = draw(st.lists(NO_ARROWS, min_size=2, max_size=3))
        options = [
            Option("", item, True, match_with=f"{place} {draw(TEXTS)}".strip(), text_format=text_format)
            for place, item in enumerate(items)
        ]
    assume(all(option.text.strip() for option in options))
    if kind in ("true_false", "fill_blank"):  # words without markup have the format of their feedback
        options = [one if one.feedback else replace(one, text_format="plain") for one in options]
    return Question(
        kind, draw(WORDS), D(1), tuple(replace(one, id=str(place + 1)) for place, one in enumerate(options)),
        text_format=text_format, alias=draw(st.one_of(st.none(), st.just("A name: {1}"))),
        level=draw(st.sampled_from(["easy", "medium"])), feedback=draw(feedback),
        allow_partial_scoring=kind in ("multiple_answer", "match"),
    )  # fmt: skip


@settings(max_examples=300)
@given(st.lists(questions(), max_size=4))
@pytest.mark.parametrize("name", ["gift", "moodle_xml"])
def test_any_text_survives_both_formats(name, asked):
    """Whatever signs a text has, each format gives it back: braces, arrows, percents, comments, markup."""
    write = {"gift": gift_write.write, "moodle_xml": moodle_xml_write.write}[name]
    read = {"gift": gift.read, "moodle_xml": moodle_xml.read}[name]
    written = write([Entry(question) for question in asked])
    bank = read(written.text.encode())
    assert written.notes == []
    assert [entry.question for entry in bank.entries] == asked
    assert [note for note in bank.notes if "percentage" not in note.message] == []


def test_a_question_of_a_million_answers_is_refused_at_once():
    """More answers than a question may have are counted before they are read."""
    bank = gift.read(b"::Many::z{" + b"~a" * 1_000_000 + b"}")
    assert [note.message for note in bank.notes] == ["has more than 200 answers"]
