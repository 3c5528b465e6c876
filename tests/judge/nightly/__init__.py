"""Tests of `harness/judge/nightly/`."""
