"""Paid work: due, plan, claims, budget, limiter, breaker, retry, settle, recovery, replay.

Belongs here: everything that decides whether, when and at what cost a vendor is asked, for any
vendor. Does not: URLs and shapes (see `resources`), use cases (see `services`), Dagster.
"""
