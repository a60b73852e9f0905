"""Causes found by an audit of object files and libraries; one module per cause."""
