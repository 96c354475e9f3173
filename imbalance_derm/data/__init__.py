"""Lesions: where they come from, how they are split, and where their pixels are kept."""
