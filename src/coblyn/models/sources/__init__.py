"""Where models can be pulled from: one module a kind of place."""
