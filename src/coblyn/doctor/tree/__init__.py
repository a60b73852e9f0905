"""Inspects a source tree, its build directories and the environment, without running a build.

    files.py         lists every file of the tree once; reading that cannot hang
    make/            makefiles: read without running anything, or as evaluated by make
    builds.py        links recorded in CMake's build directories
    cmake.py         CMake's caches and the options it was given
    objects.py       format and processor of an object file, from its first bytes
    recorded.py      what an object records about its compilation: compiler, options, system
    options.py       comparison of relevant compiler options
    configured.py    objects older than the configuration, and what CMake recorded about its tools
    headers.py       quoted includes, function bodies in headers
    checkout.py      submodules that were not fetched, scripts with Windows line endings
    git.py           git's status of a few files
    environment.py   variables that affect a build
    machine.py       facts about the machine that only the doctor uses
    tree.py          all of these as one value

Draws no conclusions: the causes do that.
"""
