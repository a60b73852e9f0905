"""Accelerators of any kind that are left out of the build or fail."""
