"""/v1/imports: files taken in, rows that become events once each, and reports that name what is wrong."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from rocket_server.configuration.snapshot import Configurations
from rocket_server.jobs import table
from rocket_server.usecases.importing import Importing
from support.imports import counts, send, troubles

HEADER = "event,user_id,timestamp,course_id,lesson_id,progress_pct,time_on_task_sec,event_id,source"
ROWS = (
    "course.completed,user-123,1692614400,course-456,,100,3600,evt-789,moodle",
    "lesson.completed,user-123,1692614350,course-456,lesson-101,100,1200,evt-790,moodle",
    "quiz.completed,user-124,1692614500,course-456,quiz-201,85,900,evt-791,moodle",
)
FILE = "\n".join((HEADER, *ROWS)) + "\n"


def done(organisation, work, content, at_once=500, **params):
    """Import a file to its end; the report."""
    return work(organisation, send(organisation, content, **params)["import_id"], at_once)


def rejected(organisation, import_id):
    """The file of rejected rows."""
    answer = organisation.api.get(f"/v1/imports/{import_id}/rejected.csv")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.text


def test_rows_become_events_with_their_awards_at_their_time(organisation, work, adds_up):
    """Each is stored and awarded as if it had been sent when it happened; a second time it is a duplicate."""
    started = send(organisation, FILE)
    assert started == {
        "import_id": started["import_id"],
        "kind": "events",
        "status": "waiting",
        "dry_run": False,
        "rows": {"read": 0, "accepted": 0, "duplicates": 0, "rejected": 0, "warnings": 0},
        "points_awarded": 0,
        "progress_pct": 0,
        "created_by": started["created_by"],
        "created_at": started["created_at"],
        "finished_at": None,
        "error": None,
    }
    report = work(organisation, started["import_id"])
    assert (report["status"], report["progress_pct"], counts(report)) == (
        "done",
        100,
        {"read": 3, "accepted": 3},
    )
    assert report["file"] == {
        "bytes": len(FILE),
        "encoding": "utf-8",
        "delimiter": ",",
        "columns": HEADER.split(","),
    }
    api = organisation.api
    assert report["points_awarded"] == api.points("user-123") + api.points("user-124") > 0
    (entry,) = [
        one
        for one in api.get("/v1/users/user-123/events").json()["events"]
        if one["event"] == "course.completed"
    ]
    assert entry["timestamp"] == "2023-08-21T10:40:00Z"
    assert (entry["source"], entry["source_event_id"]) == ("moodle", "evt-789")
    assert entry["properties"] == {"course_id": "course-456", "progress_pct": 100, "time_on_task_sec": 3600}
    again = done(organisation, work, FILE)
    assert (counts(again), again["points_awarded"]) == ({"read": 3, "duplicates": 3}, 0)
    assert troubles(again) == {"duplicate_in_store": [2, 3, 4]}
    adds_up(organisation)
    shown = api.get(f"/v1/imports/{started['import_id']}").json()
    assert api.get("/v1/imports").json()["imports"][1] == shown
    assert shown == {name: value for name, value in report.items() if name not in ("file", "troubles")}


def test_a_row_is_the_event_that_the_api_makes_of_it(organisation, work):
    """What was sent by the API before is a duplicate of its row, and the other way round."""
    properties = {"course_id": "course-456", "progress_pct": 100}
    metadata = {"event_id": "evt-789", "source": "moodle"}
    organisation.api.event("course.completed", "user-123", properties=properties, metadata=metadata)
    report = done(organisation, work, FILE)
    assert counts(report) == {"read": 3, "accepted": 2, "duplicates": 1}
    sent = {"timestamp": "1692614350", "metadata": metadata | {"event_id": "evt-790"}}
    assert organisation.api.event("lesson.completed", "user-123", **sent)["status"] == "duplicate"


MANY = [
    "course.completed,anna,2023-08-21T10:40:00Z,c1,,100,60,e1,",
    "course.completed,anna,2023-08-21T10:40:00Z,c1,,100,60,e1,",  # duplicate in file
    "course.completed,,2023-08-21T10:40:00Z,c1,,100,60,e2,",
    "course.completed,undefined,2023-08-21T10:40:00Z,c1,,100,60,e3,",
    "course.completed, bert,2023-08-21T10:40:00Z,c1,,100,60,e4,",
    "course.completed,1.23E+05,2023-08-21T10:40:00Z,c1,,100,60,e5,",
    "course.completed,bert,1692614400000,c1,,100,60,e6,",
    "course.completed,bert,1999-01-01T00:00:00Z,c1,,100,60,e7,",
    "course.completed,bert,soon,c1,,100,60,e8,",
    "course.completed,bert,2023-08-21 10:40:00,c1,,100,60,e9,",  # no zone
    "course.completed,bert,2023-08-21T10:40:00Z,c1,,130,60,e10,",
    "course.completed,bert,2023-08-21T10:40:00Z,c1,,100,-5,e11,",
    "Course Completed,bert,2023-08-21T10:40:00Z,c1,,100,60,e12,",
    "course.completed,bert,2023-08-21T10:40:00Z,c1,,100",
    'course.completed,"bert,2023-08-21T10:40:00Z,c1,,100,60,e13,',
    'course.completed,"be\nrt",2023-08-21T10:40:00Z,c1,,100,60,e14,',
    "course.completed,1234,2023-08-21T10:40:00Z,c1,,100,60,e15,",
    "course.completed,bert,2023-08-21T10:40:00Z,c9,,100,60,e16,",
    "course.completed,bert,2023-08-21T10:40:00Z,c2,,100,60,stored,",
]
NAMED = {
    "missing_column": [15],
    "missing_value": [4],
    "bad_quotes": [16],
    "line_break_in_field": [17],
    "spreadsheet_number": [7],
    "bad_event": [14],
    "bad_user_id": [5, 6, 17],
    "leading_zeros_lost": [19],
    "bad_time": [10],
    "time_in_milliseconds": [8],
    "time_out_of_range": [9],
    "bad_progress": [12],
    "bad_duration": [13],
    "unknown_course": [20],
    "duplicate_in_file": [3],
    "duplicate_in_store": [21],
    "time_without_zone": [11],
}
OPTIONS = {"courses": "c1=c1,c2=c2"}


@pytest.fixture
def troubled(organisation):
    """An organisation that knows 001234, and has the event `stored`."""
    assert organisation.api.post("/v1/users", {"user_id": "001234"}).status_code == 201
    organisation.api.event(
        "course.completed", "bert", metadata={"event_id": "stored", "source": "csv_import"}
    )
    return organisation


@pytest.mark.parametrize("at_once", [1, 2, 7, 500])
def test_each_trouble_is_named_with_its_line(troubled, work, at_once):
    """Whatever goes in at once, and as a trial or in earnest, the report is the same; a trial changes
    nothing."""
    content = "\n".join((HEADER, *MANY))
    before = troubled.api.get("/v1/events").json()
    trial = done(troubled, work, content, at_once, dry_run=True, **OPTIONS)
    assert troubled.api.get("/v1/events").json() == before
    report = done(troubled, work, content, at_once, **OPTIONS)
    assert troubles(report) == NAMED
    assert counts(report) == {"read": 19, "accepted": 2, "duplicates": 2, "rejected": 15, "warnings": 1}
    assert (trial["dry_run"], trial["rows"], trial["troubles"]) == (True, report["rows"], report["troubles"])
    assert trial["points_awarded"] == report["points_awarded"] > 0
    assert rejected(troubled, trial["import_id"]) == rejected(troubled, report["import_id"])


def test_rejected_rows_go_in_once_they_are_mended(troubled, work, adds_up):
    """They come as they are in the file with the reasons last; mended there, they are taken."""
    report = done(troubled, work, "\n".join((HEADER, *MANY)), **OPTIONS)
    kept = list(csv.reader(io.StringIO(rejected(troubled, report["import_id"]))))
    assert kept[0] == [*HEADER.split(","), "reason"]
    assert len(kept) == 16
    reasons = [row[-1].partition(":")[0] for row in kept[1:]]
    assert set(reasons) == {
        name
        for name, severity in NAMED.items()
        if not name.startswith("duplicate") and name != "time_without_zone"
    }
    assert kept[3][:8] == ["course.completed", " bert", "2023-08-21T10:40:00Z", "c1", "", "100", "60", "e4"]
    good = ["course.completed", "carla", "2023-08-21T10:40:00Z", "c1", "", "100", "60"]
    mended = [[*good, f"m{n}", "", row[-1]] for n, row in enumerate(kept[1:])]
    written = io.StringIO()
    csv.writer(written).writerows([kept[0], *mended])
    again = done(troubled, work, written.getvalue(), **OPTIONS)
    assert (counts(again), again["troubles"]) == ({"read": 15, "accepted": 15}, [])
    (event,) = troubled.api.get("/v1/users/carla/events", limit=1).json()["events"]
    assert set(event["properties"]) == {"course_id", "progress_pct", "time_on_task_sec"}
    adds_up(troubled)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (FILE.replace("user-123", "Zoë"), "utf-8"),
        (("\ufeff" + FILE.replace("user-123", "Zoë")).encode(), "utf-8 with a mark"),
        (FILE.replace("user-123", "Zoë").replace(",", ";").encode("utf-16"), "utf-16"),
        (FILE.replace("user-123", "Zoë").replace(",", "\t").encode("cp1252"), "windows-1252"),
        (gzip.compress(FILE.replace("user-123", "Zoë").replace("\n", "\r\n").encode(), mtime=0), "utf-8"),
    ],
    ids=["plain", "mark", "utf-16", "windows", "packed"],
)
def test_files_are_read_as_they_are_written(organisation, work, content, encoding):
    """With or without a mark, in older encodings, packed, with other separators; the report says as what."""
    report = done(organisation, work, content)
    assert (report["file"]["encoding"], counts(report)) == (encoding, {"read": 3, "accepted": 3})
    assert organisation.api.points("Zoë") > 0


def test_a_form_with_a_file_is_taken_and_gzip_as_content_encoding(organisation, work):
    """As browsers and curl -F send it, beside other fields; and as a body that says that it is packed."""
    form = {"file": ("history.csv", FILE.encode(), "text/csv")}
    answer = organisation.api.request(
        "POST", "/v1/imports", params={"kind": "events"}, files=form, data={"note": "x" * 10_000}
    )
    assert answer.status_code == 202, answer.text
    assert counts(work(organisation, answer.json()["import_id"])) == {"read": 3, "accepted": 3}
    packed = {"headers": {"Content-Encoding": "gzip"}}
    report = done(organisation, work, gzip.compress(FILE.encode(), mtime=0), **packed)
    assert counts(report) == {"read": 3, "duplicates": 3}


def test_caps_count_in_the_day_when_it_happened(organisation, work, adds_up):
    """A cap of two a day holds in each day of the past, also for rows in separate transactions."""
    rule = {
        "rule_id": "views",
        "trigger": "page.seen",
        "actions": {"award_points": 5},
        "constraints": {"max_per_day": 2},
    }
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    rows = [f"page.seen,anna,2023-0{month}-11T10:0{n}:00Z" for month in (1, 2, 3) for n in range(4)]
    report = done(organisation, work, "\n".join(("event,user_id,timestamp", *rows)), at_once=3)
    assert (report["points_awarded"], organisation.api.points("anna")) == (30, 30)
    adds_up(organisation)


def test_awards_and_messages_only_where_they_are_wanted(organisation, owner, work, adds_up):
    """Webhooks hear of history only with `notify`; with `no_awards` events are stored, and give nothing."""
    webhook = {"url": "https://example.org/hook", "events": ["*"]}
    assert organisation.api.post("/v1/webhooks", webhook).status_code == 201
    count = "SELECT count(*) FROM deliveries WHERE organisation_id = $1"
    done(organisation, work, "\n".join((HEADER, ROWS[0])))
    assert owner.value(count, organisation.organisation_id) == 0
    done(organisation, work, "\n".join((HEADER, ROWS[1])), notify=True)
    assert owner.value(count, organisation.organisation_id) > 0
    before = organisation.api.points("user-124")
    report = done(organisation, work, "\n".join((HEADER, ROWS[2])), no_awards=True)
    assert (counts(report), report["points_awarded"]) == ({"read": 1, "accepted": 1}, 0)
    assert organisation.api.points("user-124") == before == 0
    adds_up(organisation)


def test_learners_of_a_platform_and_those_who_must_wait(make_organisation, work):
    """`platform_ids` finds who is known by the platform's hooks; who is held until they are known is said."""
    organisation = make_organisation(unknown_learner="hold")
    assert (
        organisation.api.post("/v1/users", {"user_id": "anna", "identities": ["moodle:7"]}).status_code == 201
    )
    rows = ("course.completed,7,1692614400", "course.completed,8,1692614400")
    report = done(
        organisation,
        work,
        "\n".join(("event,user_id,timestamp", *rows)),
        source="moodle",
        platform_ids=True,
    )
    assert (counts(report), troubles(report)) == ({"read": 2, "accepted": 2, "warnings": 1}, {"held": [3]})
    assert organisation.api.points("anna") > 0


@pytest.mark.parametrize(
    ("content", "params", "field"),
    [
        ("", {}, "file"),
        ("event,user_id\na,b\n", {}, "timestamp"),
        (FILE, {"kind": "wishes"}, "kind"),
        (FILE, {"courses": "x"}, "courses"),
        (FILE, {"platform_ids": True}, "source"),
        (FILE, {"source": " x"}, "source"),
        (FILE, {"dryrun": True}, "dryrun"),
        (b"\x1f\x8bx", {}, "file"),
    ],
    ids=["empty", "column", "kind", "course", "whose", "source", "unknown", "damaged"],
)
def test_what_cannot_be_imported_is_refused_at_once(organisation, owner, content, params, field):
    """A 400 that names the field; no job is started and no file kept."""
    answer = send(organisation, content, 400, **params)
    assert field in str(answer["details"])
    assert organisation.api.get("/v1/imports").json() == {"imports": [], "next_cursor": None}
    count = "SELECT count(*) FROM import_chunks WHERE organisation_id = $1"
    assert owner.value(count, organisation.organisation_id) == 0


def test_too_large_a_file_is_a_413(make_organisation, start_server, owner):
    """By its announced length, as it comes, and by what it unpacks to; nothing of it stays."""
    organisation = make_organisation().on(start_server("small-files", ROCKET_MAX_IMPORT_BYTES="100000"))
    large = (HEADER + "\n" + ROWS[0] * 10_000).encode()
    assert send(organisation, large, 413)["details"] == {"limit_bytes": 100_000}
    answer = organisation.api.request(
        "POST",
        "/v1/imports",
        params={"kind": "events"},
        content=(large[n : n + 9_999] for n in range(0, len(large), 9_999)),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 413
    assert send(organisation, gzip.compress(large, mtime=0), 413)["error"] == "payload_too_large"
    count = "SELECT count(*) FROM import_chunks WHERE organisation_id = $1"
    assert owner.value(count, organisation.organisation_id) == 0


def test_other_kinds_of_bodies_and_keys_are_refused(organisation, make_organisation):
    """JSON is a 415; a key without the scope a 403; another organisation's import a 404."""
    assert (
        send(organisation, "{}", 415, {"Content-Type": "application/json"})["error"]
        == "unsupported_media_type"
    )
    send(organisation, FILE, 415, {"Content-Encoding": "br"})
    send(organisation, FILE, 401, {"Authorization": "Bearer rk_live_nobody"})
    import_id = send(organisation, FILE)["import_id"]
    other = make_organisation().api
    for path in ("", "/report", "/rejected.csv"):
        assert other.get(f"/v1/imports/{import_id}{path}").status_code == 404
        assert organisation.api.get(f"/v1/imports/x{path}").status_code == 404
    assert other.request("DELETE", f"/v1/imports/{import_id}").status_code == 404


def test_a_cancelled_import_keeps_what_it_took(organisation, portal, store, work):
    """It ends where it is, and answers the same again."""
    import_id = send(organisation, FILE)["import_id"]

    async def begin():
        async with store.transaction() as conn:
            claim = await table.claim(conn, organisation.organisation_id, import_id)
        importing = Importing(store, Configurations(), 86_400, at_once=1, turn_s=0)
        assert await importing(claim)

    portal.call(begin)
    path = f"/v1/imports/{import_id}"
    cancelled = organisation.api.request("DELETE", path).json()
    assert (cancelled["status"], counts(cancelled)) == ("cancelled", {"read": 1, "accepted": 1})
    assert work(organisation, import_id)["status"] == "cancelled"
    assert organisation.api.request("DELETE", path).json() == cancelled
    assert organisation.api.points("user-123") > 0
    assert organisation.api.points("user-124") == 0
