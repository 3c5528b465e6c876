"""Tests of `harness/judge/plugin/`."""
