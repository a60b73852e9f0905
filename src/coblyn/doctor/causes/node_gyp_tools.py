"""Node's native modules, without the tools that build them."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "node-gyp-tools",
    "node-gyp does not find the tools that it builds with",
    sign(
        r"gyp ERR! [^\n]{0,40}(?:Could not find any Visual Studio installation to use|could not find a version of "
        r"Visual Studio)",
        "node-gyp finds no Visual Studio that it knows.",
        package="msvc",
        text="If a newer Visual Studio is installed, update node-gyp (npm install -g node-gyp@latest), which does "
        "not know it yet; npm config delete msvs_version.",
    ),
    sign(
        r"Error: Could not find any Visual Studio installation to use",
        "node-gyp finds no Visual Studio that it knows.",
        package="msvc",
    ),
    sign(
        r"gyp ERR! [^\n]{0,40}(?:Could not find any Python installation to use|Can't find Python executable)",
        "node-gyp is written in Python, and finds none.",
        package="python",
        text="If it is installed, name it: npm config set python /path/to/python3.",
    ),
    sign(
        r"gyp ERR! stack Error: not found: (?P<name>make|cc|g\+\+|c\+\+|gcc)",
        "node-gyp starts {name}, and there is no such program.",
        package="compiler",
    ),
    looks_like="gyp ERR! stack Error: Could not find any Visual Studio installation to use",
    explanation="A package with native code is compiled when npm installs it, if there is no ready build for this "
    "Node and this system. That takes Python, and make and a C++ compiler (on Windows Visual Studio's C++ workload).",
    fix="Install them, open a new terminal, and run npm install again; or use a version of Node for which the "
    "package has a ready build.",
    links=(
        "https://github.com/nodejs/node-gyp/issues/2807",
        "https://github.com/nodejs/node-gyp/issues/3063",
        "https://github.com/nodejs/node-gyp/issues/2203",
    ),
    explains=("msvc-missing", "compiler-missing", "tool-missing"),
)
