"""Trackers: who is told of a run's events, one file each."""
