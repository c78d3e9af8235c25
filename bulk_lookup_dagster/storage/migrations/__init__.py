"""Alembic's environment and the frozen steps of the schema.

Belongs here: `env.py`, `freeze.py`, `versions/`. Does not: the declared tables (`storage.tables`).
"""
