"""What was built and does not run."""
