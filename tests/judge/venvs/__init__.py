"""Tests of `harness/judge/venvs/`."""
