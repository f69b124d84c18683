"""CSV files of what happened before: their bytes, their rows, and what is wrong with them, by name."""
