"""Tests of `harness/judge/suite/`."""
