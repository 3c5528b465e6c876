"""Tests of `harness/judge/`."""
