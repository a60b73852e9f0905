"""Makefiles: their definitions and where these are, without running a recipe.

    database.py   definitions of a set of makefiles (values)
    syntax.py     logical lines, and the structure of one
    value.py      uncertain text: unknown parts, words of branches that may not be taken
    functions.py  make's text functions
    expand.py     variables and functions in a text
    conditions.py conditional lines: taken, skipped, or undecidable
    defaults.py   variables that make has before it reads a line
    recipes.py    the command that make would run for a target
    variables.py  effects of assignments on global and target-specific variables
    search.py     directories in which prerequisites are searched for
    reader.py     static reading: runs nothing, ``$(shell …)`` is unknown
    evaluate.py   ``make -pn``: make's own view; runs everything that make runs while reading
    links.py      links, their objects, and the sources of these
    rivals.py     makefiles that define the same targets in one read

Syntax: GNU make manual, https://www.gnu.org/software/make/manual/html_node/
"""
