"""Tests of `harness/judge/store/`."""
