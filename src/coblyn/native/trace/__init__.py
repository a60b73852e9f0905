"""What a build leaves behind, as text: the errors in its log, the rules and the log of ninja, what went into each link.

    error.py   whether a log shows a failure, and the first error in it
    link.py    objects, sources and options of each link
    ninja.py   statements of a build file, and outputs made with another command

Reads text only, of any build on any system; knows no files and no causes.
"""
