"""A procedural dermoscopy generator: one subject a file, `render` puts them together."""
