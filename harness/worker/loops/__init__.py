"""Loops: who drives the steps. Each module holds one, with the same `run(setup, watch)`."""
