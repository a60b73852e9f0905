"""Compilers, the headers that they need, and code that they reject."""
