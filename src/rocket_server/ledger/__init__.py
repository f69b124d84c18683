"""Points: accounts, and the entries that move points from one account to another."""
