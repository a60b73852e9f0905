"""Coblyn's own tools for programs that speak the Model Context Protocol: generate, tokenize, models, doctor.

The official library speaks the protocol; it is imported when somebody asks for it. The room refuses to know where
models run: that is a ``Backend``.
"""
