"""A source tree that is incomplete or differs from its project."""
