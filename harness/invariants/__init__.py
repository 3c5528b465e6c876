"""Invariants: tests that need one record and no baseline. Every suite inherits them.

Each module holds one class of test methods. A method asks the `run` fixture for its cell's
record; where a recipe gives it nothing to judge, it skips with the reason.
"""
