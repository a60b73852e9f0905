"""Links that fail, or that take the wrong things."""
