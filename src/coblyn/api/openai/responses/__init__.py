"""``/v1/responses``: OpenAI's API for conversations whose answers are lists of items, and that the server can keep."""
