"""Backbones, one file each; ``weights.py`` finds their pre-trained weights."""
