"""What the tests of the Python SDK share."""
