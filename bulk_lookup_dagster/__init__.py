"""Bulk Lookup: a data platform that enriches files of phone numbers and never pays twice."""

__version__ = "0.1.0"
