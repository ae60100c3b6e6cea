"""Plain text for the terminal, from results that exist."""
