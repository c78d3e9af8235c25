"""Assets: one file per stage; each asset is a table and a step.

Put here: what a row is, where it comes from, how fresh and how dear it is. Do not put here: the
work (`services`), vocabulary (`orchestration`).
https://docs.dagster.io/guides/build/assets
"""
