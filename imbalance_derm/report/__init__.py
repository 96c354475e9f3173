"""Turns the evidence of one run into a page that a reviewer can read."""
