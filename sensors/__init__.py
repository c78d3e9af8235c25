"""Sensors: they look and request runs; the work happens in the runs (ticks have 60 s).

Put here: one file per thing that is looked at. Do not put here: hashing, parsing, buying.
https://docs.dagster.io/guides/automate/sensors
"""
