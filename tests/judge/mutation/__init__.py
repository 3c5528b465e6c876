"""Tests of `harness/judge/mutation/`."""
