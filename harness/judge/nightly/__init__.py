"""Baselines, the history of nights, and drift."""
