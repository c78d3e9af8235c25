"""Great Expectations suites: a batch as a whole, between stages, against thresholds.

Belongs here: expectations and running them. Does not: rules of single rows (see `schemas`).
"""
