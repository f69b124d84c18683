"""Tests and their questions: what a question is, what a learner sees of it, and what an answer earns."""
