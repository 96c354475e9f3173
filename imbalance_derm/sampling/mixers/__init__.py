"""Mixers, one file each."""
