"""Code of others that hears what happens: its interface, who runs it, and where it can't do harm."""
