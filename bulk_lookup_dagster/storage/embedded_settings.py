"""Settings of the embedded server: durable, made for bulk writes on a small machine, discreet.

Belongs here: values of `postgresql.conf`. Does not: where the server is (`storage.embedded`).
"""

from __future__ import annotations

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "wal_buffers": "16MB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "full_page_writes": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    # Rounds slow down whoever guesses passwords; ours are 192 random bits, and Dagster, which opens
    # a connection for each statement, spent half of a run on them.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details carry phone numbers; neither belongs in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
