"""The adaptive tier."""
