"""The routes under /v1: requests into acts and reads, and their results into answers."""
