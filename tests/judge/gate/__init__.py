"""Tests of `harness/judge/gate/`."""
