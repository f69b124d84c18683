"""What is measured, in Prometheus' form."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("rocket_http_requests", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "rocket_http_request_seconds",
    "Time from a request's head to the end of its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30),
)
CONNECTIONS = Gauge("rocket_connections", "Connections of clients that are open.")
CONNECTIONS_ENDED = Counter(
    "rocket_connections_ended", "Connections that the server refused or ended, by why.", ["reason"]
)
BUFFERED_BYTES = Gauge("rocket_buffered_bytes", "Bytes of bodies that are held, as sent and as unpacked.")
EVENTS = Counter("rocket_events", "Events taken in, by what became of them.", ["status"])
POINTS = Counter(
    "rocket_points_awarded", "Points awarded by rules for events taken in; reversals not counted."
)
GROUP_EVENTS = Histogram(
    "rocket_group_events",
    "Events that shared one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 500, 1000, 2000),
)
GROUP_SECONDS = Histogram(
    "rocket_group_seconds",
    "Time of one transaction of the group commit, retries included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
WAITING_EVENTS = Gauge("rocket_waiting_events", "Events that wait for a transaction.")
EXAMINATION_GROUP = Histogram(
    "rocket_examination_group",
    "Starts, saved answers or submissions of attempts that shared one transaction.",
    ["act"],
    buckets=(1, 2, 5, 10, 20, 50, 100),
)
EXAMINATION_SECONDS = Histogram(
    "rocket_examination_seconds",
    "Time of one transaction of starts, saved answers or submissions, retries included.",
    ["act"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
EXAMINATION_WAITING = Gauge(
    "rocket_examination_waiting",
    "Starts, saved answers or submissions of attempts that wait for a transaction.",
    ["act"],
)
AUTHENTICATION_FAILURES = Counter(
    "rocket_authentication_failures", "Requests without a valid key, token or signature."
)
DELIVERIES = Counter(
    "rocket_deliveries", "Attempts to deliver that ended in this process, by what came of them.", ["outcome"]
)
DELIVERY_SECONDS = Histogram(
    "rocket_delivery_seconds",
    "Time of one attempt to deliver.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
WAITING_DELIVERIES = Gauge(
    "rocket_waiting_deliveries", "Deliveries that are due, in the whole database; 10,000 stands for more."
)
OLDEST_DELIVERY_SECONDS = Gauge(
    "rocket_oldest_delivery_seconds", "For how long the oldest of these has been due."
)
PLUGIN_FAILURES = Counter(
    "rocket_plugin_failures", "Calls of plugins' hooks that failed.", ["plugin", "hook", "reason"]
)
JOB_PIECES = Counter(
    "rocket_job_pieces",
    "Pieces of background work in this process, by whether they were done.",
    ["job", "outcome"],
)
JOB_SECONDS = Histogram(
    "rocket_job_seconds",
    "Time of one piece of background work.",
    ["job"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
)
JOB_FAILING = Gauge(
    "rocket_job_failing",
    "Organisations, or endpoints of theirs, whose last piece of that work failed.",
    ["job"],
)
JOB_LOOKED = Gauge(
    "rocket_job_looked_seconds",
    "When all who had such work due were last gone through, in Unix time.",
    ["job"],
)
