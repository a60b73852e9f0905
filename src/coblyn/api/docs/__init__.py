"""``/docs``: a page that describes the APIs and tries them, from the same tables as ``/openapi.json``.

Rendered here, with one small script of ours and no inline code, so that it needs no network and the content security
policy stays strict.
"""
