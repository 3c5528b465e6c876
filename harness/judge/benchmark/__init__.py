"""Collations forecast, proven and timed."""
