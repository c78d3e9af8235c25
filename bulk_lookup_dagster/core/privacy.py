"""Keyed hashes that stand for personal values, so that a value can go and its history stay.

Belongs here: pure functions over a value and the instance's key. Does not: storage of either.
"""

from __future__ import annotations

import hashlib

HASH_BYTES = 16


def subject_hmac(secret_key: bytes, kind: str, value: str) -> bytes:
    """What a subject is known by once its value is erased; differs between instances."""
    data = f"{kind}:{value}".encode()
    return hashlib.blake2b(data, key=secret_key, digest_size=HASH_BYTES).digest()
