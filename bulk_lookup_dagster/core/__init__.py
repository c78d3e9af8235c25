"""Pure Python: rules, values and errors.

Belongs here: code that needs no database, no network, no Dagster.
Does not: anything that reads the environment or performs I/O (see `storage`, `resources`).
"""
