"""Comparisons of models and presets."""
