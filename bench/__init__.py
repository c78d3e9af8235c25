"""Benchmarks, one a file: `python -m bench.NAME` prints one JSON object, baseline beside it.

Belongs here: measuring. Does not: tests (see `tests`), anything the platform needs to run.
"""
