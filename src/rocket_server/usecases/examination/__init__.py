"""Tests as acts: authored, published, begun, answered, submitted, reviewed, graded anew.

Locks are taken in one order: attempts first, then what the pipeline locks. Tests are locked before their
attempts.
"""
