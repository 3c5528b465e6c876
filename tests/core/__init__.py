"""Tests of `harness/core/`."""
