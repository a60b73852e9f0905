"""llama-server's own routes: completion, infill, tokens, templates, facts."""
