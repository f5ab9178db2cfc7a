"""Measures what models write: without a model by rules, and with one as a judge."""
