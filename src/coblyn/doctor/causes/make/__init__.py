"""Makefiles, and what make does with them."""
