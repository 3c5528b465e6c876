"""Benchmarks: scripts to run by hand; their figures are ratios of interleaved runs."""
