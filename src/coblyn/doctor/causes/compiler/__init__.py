"""Compilers, the headers that they need, and what they refuse."""
