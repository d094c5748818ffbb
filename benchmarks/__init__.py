"""Benchmarks: ``python -m benchmarks NAME``; each prints a table, then one line of JSON."""
