"""Tests of `harness/worker/`."""
