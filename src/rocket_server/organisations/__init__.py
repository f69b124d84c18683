"""Tenants, organisations, their keys and their sources."""
