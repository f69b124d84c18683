"""Telling other systems: what is to be sent, written with what caused it."""
