"""Files as people hand them in: what kind they are, their columns, their rows, and loading them.

Belongs here: reading and storing rows. Does not: the use case around it (`services.uploads`).
"""
