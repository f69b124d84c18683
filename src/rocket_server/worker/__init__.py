"""The background work: sends what the outbox holds, queues again what was missed, removes what is old."""
