"""Explains builds that fail, in any tree: from a log, from a source tree, from object files.

    finding.py   what is said: evidence, fix, finding, diagnosis (values)
    cause.py     what a cause is, and the case that it looks at
    causes/      the catalogue: a table for each family, and modules for what signs in a log do not tell
    log/         from any bytes to the lines that matter
    tree/        what a source tree, its build directory and the environment hold
    examine.py   case in, diagnosis out
    subject.py   what a path is: a log, a tree, object files, an engine
    consult.py   from such paths to a diagnosis
    failed_build.py  why a build of our own engine failed
    repair.py    does the steps of a fix, and takes them back
    report.py    facts for a bug report, without names in them

Refuses to know terminals, engines and models. Nothing here changes a file but `repair`.
"""
