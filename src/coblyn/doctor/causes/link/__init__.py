"""Link steps that fail, or that use the wrong files."""
