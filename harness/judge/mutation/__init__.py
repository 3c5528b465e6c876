"""Tests for the tests: are injected faults noticed?"""
