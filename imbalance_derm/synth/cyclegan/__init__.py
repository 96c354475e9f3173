"""CycleGAN: networks, losses, image pool, training, and the synthesizer made of them."""
