"""Tests of `harness/judge/runs/`."""
