"""The gate for CI."""
