"""Tests of `harness/judge/benchmark/`."""
