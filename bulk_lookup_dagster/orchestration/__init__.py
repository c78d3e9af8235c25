"""Dagster vocabulary of this project: partitions, owners, failures, check factories.

Belongs here: what assets, sensors and jobs share of Dagster. Does not: assets, use cases.
"""
