"""Engines: whatever turns requests into responses. Nothing here is imported before it is needed."""
