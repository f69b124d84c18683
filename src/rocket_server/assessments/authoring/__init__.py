"""Tests as their authors make them: sections, questions in them, rules, and the papers that are published."""
