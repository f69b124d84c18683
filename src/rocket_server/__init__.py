"""Rocket Learning Rewards: learning events become points and badges, at once and exactly once."""

__version__ = "0.1.0"
