"""The commands of `bulk-lookup`, one file per topic.

Belongs here: options, output, exit codes. Does not: the work (`services`).
"""
