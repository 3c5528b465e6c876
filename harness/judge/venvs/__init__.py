"""Environments that uv makes: requirements beside what is installed."""
