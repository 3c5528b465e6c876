"""Tests of `harness/judge/cli/`."""
