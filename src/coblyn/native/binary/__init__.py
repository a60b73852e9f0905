"""Reads object files, libraries, programs and archives of any platform on any platform, as values.

    binary.py         what is known about one file, member or slice
    read.py           from a path to those values: what kind of file it is, and within which bounds
    archive.py        static libraries (ar): GNU, BSD, thin, Microsoft's
    universal.py      several architectures in one file (Apple)
    claims.py         whether what a header claims lies inside the file
    elf.py macho.py coff.py pe.py       a format each, through lief
    coff_symbols.py   the symbol table of a COFF object
    import_object.py  the members of Microsoft's import libraries
    words.py          names in constant data, for libraries whose symbols are gone
    instructions.py   which instruction sets the code uses; x86.py, arm64.py

Refuses to judge: what is wrong with a file is the audit's matter.
"""
