"""What tests of the running server share: its processes, fresh organisations, captured requests."""
