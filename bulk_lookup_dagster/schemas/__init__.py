"""pandera models of one stage's frame each: shape, type, domain, with readable messages.

Belongs here: what every row of a stage must be. Does not: thresholds and history
(`expectations`), what the marts must hold (dbt tests).
"""
