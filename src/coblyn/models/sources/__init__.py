"""The sources of models, one module per kind."""
