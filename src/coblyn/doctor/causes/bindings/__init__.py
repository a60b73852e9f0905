"""Bindings for other languages: Go, Node.js, Rust."""
