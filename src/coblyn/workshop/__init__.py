"""Tools for model files: quantize, measure, compare, split and merge.

Work with the library runs in a separate process, since the library crashes on some files. Knows nothing of servers, the
command line, or the sources of models.
"""
