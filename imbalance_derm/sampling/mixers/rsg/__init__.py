"""The rare-class sample generator and the modules that it learns."""
