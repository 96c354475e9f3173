"""Synthesizers: one file or folder for each, behind one contract."""
