"""Training stages, one file each; a schedule is a list of them."""
