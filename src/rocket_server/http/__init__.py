"""The HTTP interface: hooks, REST, health and metrics."""
