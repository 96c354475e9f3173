"""Formats: the specification of a run, its stages on disk, its events and its record."""
