"""The provider simulator: vendors' real paths, shapes, errors and limits, on loopback.

Belongs here: one file per vendor, the fault plan, the log of what arrived. Does not: anything the
platform itself uses.
"""
