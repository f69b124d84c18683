"""What an operator may set, from the environment; nothing else reads it."""
