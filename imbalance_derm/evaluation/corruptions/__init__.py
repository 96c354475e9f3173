"""What spoils dermoscopy photographs, at five severities: one corruption a file."""
