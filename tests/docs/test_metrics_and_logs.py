"""docs/how-to/metrics-and-logs.md names what the server really measures and logs."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from rocket_server import metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "metrics-and-logs.md").read_text(encoding="utf-8")


def shown_name(metric: MetricWrapperBase) -> str:
    """A metric's name as a scrape has it."""
    (family,) = metric.describe()
    return family.name if isinstance(metric, Gauge | Histogram) else f"{family.name}_total"


def test_every_metric_is_described_and_no_other():
    """The table has one row for each metric, with its kind and its labels."""
    rows = dict(re.findall(r"^\| `(rocket_\w+)` \| ([^|]+) \|", PAGE, re.M))
    measured = {
        shown_name(found): found for found in vars(metrics).values() if isinstance(found, MetricWrapperBase)
    }
    assert set(rows) == set(measured)
    for name, metric in measured.items():
        assert rows[name].split(";")[0].strip() == type(metric).__name__.lower()
        assert re.findall(r"`(\w+)`", rows[name]) == list(metric._labelnames)


def test_alarms_name_metrics_that_exist():
    """No expression to copy uses a name that isn't in the table."""
    (alarms,) = re.findall(r"^```\n(.*?)^```$", PAGE, re.M | re.S)
    described = set(re.findall(r"^\| `(rocket_\w+)`", PAGE, re.M))
    used = {name.removesuffix("_bucket") for name in re.findall(r"\brocket_\w+", alarms)}
    assert used
    assert used <= described


def test_every_log_line_is_described():
    """Names of structured lines in the code and on the page are the same, and so are a request's fields."""
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src" / "rocket_server").rglob("*.py")
    )
    written = set(re.findall(r'\blog\.(?:debug|info|warning|error|exception)\(\s*"(\w+)"', code))
    section = PAGE.partition("## Logs")[2]
    described = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", section, re.M))))
    assert described == written | {"request"}
