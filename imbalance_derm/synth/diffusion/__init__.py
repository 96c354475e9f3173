"""Diffusion: forward process, network, training, sampling, editing, and their synthesizer."""
