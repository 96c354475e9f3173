"""Components: how they are announced, found, described and built."""
