"""The only room with ctypes: it owns every pointer into libllama, ggml and our shim.

It knows no requests, no chat and no HTTP, and it never asks where a library comes from: it is given a directory.
"""
