"""Rules: what an event is worth to its learner, and why. Pure: no database, no network, no clock."""
