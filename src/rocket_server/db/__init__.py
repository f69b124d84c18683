"""The database: how to reach it, start it, change its shape and talk to it."""
