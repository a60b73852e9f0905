"""``/v1/responses``: OpenAI's API for conversations of items, which the server can keep."""
