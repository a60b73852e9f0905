"""Accelerators of any kind that are left out or fail."""
