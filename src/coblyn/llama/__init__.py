"""The only package with ctypes: it owns every pointer into libllama, ggml and the shim.

It knows nothing of requests, chat or HTTP, nor where a library comes from: it gets a directory.
"""
