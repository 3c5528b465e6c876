"""Environments that uv makes: what is asked for beside what is installed."""
