"""Statistics on arrays: NumPy and SciPy only, no Spark."""
