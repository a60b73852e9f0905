"""``/docs``: a page to read about and try the APIs, made from the same tables as ``/openapi.json``.

It is rendered on the server, with one small script and no inline code, so that it needs no network and the content
security policy stays strict.
"""
