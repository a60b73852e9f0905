"""Reads the texts that a build leaves behind: errors in its log, ninja's rules and log, and the inputs of each link.

    error.py   whether a log shows a failure, and the first error in it
    link.py    objects, sources and options of each link
    ninja.py   statements of a build file, and outputs made with a different command

Reads text only, of any build on any system; does not know files or causes.
"""
