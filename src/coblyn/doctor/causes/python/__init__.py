"""Python packages and their builds."""
