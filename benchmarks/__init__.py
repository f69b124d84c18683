"""Benchmarks: each prints its figures as JSON beside what they are to reach."""
