"""Badges: definitions, and their being given to learners, once."""
