"""Programs that were built but do not run."""
