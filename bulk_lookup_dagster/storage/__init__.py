"""PostgreSQL: declared tables, bulk writes, migrations and the embedded server.

Belongs here: how things are stored. Does not: what is stored when (see `services`, `engine`).
"""
