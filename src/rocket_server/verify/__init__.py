"""Proves from scratch what is stored: balances from entries, awards from events, badges from awards."""
