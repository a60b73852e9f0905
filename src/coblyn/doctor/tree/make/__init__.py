"""Makefiles: what they define and where, without running a recipe.

    database.py   what is known of a set of makefiles (values)
    syntax.py     logical lines, and the structure of one
    value.py      text that is not certain: unknown parts, words of branches that may not be taken
    functions.py  make's text functions
    expand.py     variables and functions in a text
    conditions.py conditional lines: taken, skipped, or not to be decided
    defaults.py   what make knows before it reads a line
    recipes.py    the command that make would run for a target
    variables.py  what an assignment makes of a variable, of all targets or of some
    search.py     directories that prerequisites are looked for in
    reader.py     the static reading: nothing is run, ``$(shell …)`` is unknown
    evaluate.py   ``make -pn``: make's own view; runs what make runs while it reads
    links.py      what is linked from which objects, and from which sources these come
    rivals.py     makefiles that define the same targets in one reading

Syntax: GNU make manual, https://www.gnu.org/software/make/manual/html_node/
"""
