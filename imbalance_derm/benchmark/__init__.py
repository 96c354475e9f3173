"""Compares runs with one another and with what was published."""
