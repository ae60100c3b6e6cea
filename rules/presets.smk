"""The choice of a preset."""
