"""Explains builds that fail, in any tree: from a log, from a source tree, from object files.

    finding.py   the results: evidence, fix, finding, diagnosis (values)
    cause.py     the type of a cause, and the case that it examines
    causes/      the catalogue: a table per family, and modules for causes that log patterns alone cannot detect
    log/         extracts the relevant lines from any bytes
    tree/        inspects a source tree, its build directories and the environment
    examine.py   turns a case into a diagnosis
    subject.py   detects the kind of a path: a log, a tree, object files, an engine
    consult.py   turns such paths into a diagnosis
    failed_build.py  why a build of our own engine failed
    repair.py    applies the steps of a fix, and undoes them
    report.py    facts for a bug report, without personal names

Does not depend on terminals, engines or models. Only `repair` changes files.
"""
