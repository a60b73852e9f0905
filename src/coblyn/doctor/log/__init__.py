"""Extracts the relevant lines from a build's output. Knows nothing of causes."""
