"""Tests of `harness/judge/reports/`."""
