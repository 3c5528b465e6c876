"""Tests of `harness/judge/invariants/`."""
