"""A source tree that is not whole, or not as its project has it."""
