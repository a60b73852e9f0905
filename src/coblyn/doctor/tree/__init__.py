"""Inspects a source tree, its build directories and the environment, without running a build.

    files.py         every file of the tree, looked at once; reading that cannot hang
    make/            makefiles: read without running anything, or as make itself sees them
    builds.py        links that CMake's build directories tell of
    cmake.py         CMake's caches and what was said to it
    objects.py       what kind of object a file is, from its first bytes
    recorded.py      what an object tells of its compilation: compiler, options, system
    options.py       options of a compiler that matter, compared
    configured.py    objects that are older than the configuration, and what CMake knows of its tools
    headers.py       quoted includes, function bodies in headers
    checkout.py      submodules that were not fetched, scripts with the line ends of Windows
    git.py           what git knows of a few files
    environment.py   variables that change a build
    machine.py       facts that only the doctor asks for
    tree.py          all of it as one value

Refuses to know what follows from it: that is what the causes are for.
"""
