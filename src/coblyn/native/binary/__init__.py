"""Reads object files, libraries, programs and archives of any platform on any platform, as values.

    binary.py         facts about one file, member or slice
    read.py           from a path to those values: detects the kind of file and checks the limits
    archive.py        static libraries (ar): GNU, BSD, thin, Microsoft's
    universal.py      several architectures in one file (Apple)
    claims.py         whether everything a header refers to is inside the file
    elf.py macho.py coff.py pe.py       one format each, through lief
    coff_symbols.py   the symbol table of a COFF object
    import_object.py  the members of Microsoft's import libraries
    words.py          names in constant data, for libraries whose symbols are stripped
    instructions.py   which instruction sets the code uses; x86.py, arm64.py

Does not judge: finding faults in a file is the task of the audit.
"""
