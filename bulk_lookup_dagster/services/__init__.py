"""Use cases: upload, plan, approve, run, refresh, export, …: all that cli, web and assets call.

Belongs here: what a person or a schedule can ask for. Does not: how paid work is done (`engine`),
how things are stored (`storage`), Dagster (`assets`, `sensors`).
"""
