"""People who sign in to the console: who they are, what they may do, and how they prove it."""
