"""What weeks of learning make of a learner: streaks and ranks; pure."""
