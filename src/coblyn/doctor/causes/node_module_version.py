"""A native module that was built for another release of Node, or for Electron."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "node-module-version",
    "A native module was built for another version of Node",
    sign(
        r"compiled against a different (?P<what>Node\.js|Electron) version using"
        r" ?NODE_MODULE_VERSION (?P<have>\d{1,4})\. This version of (?P<runs>Node\.js|Electron) requires"
        r" ?NODE_MODULE_VERSION (?P<want>\d{1,4})",
        "The module is for version {have} of the native interface, and the {runs} that loads it has version {want}.",
        command="npm rebuild",
    ),
    sign(
        r"Module version mismatch\. Expected (?P<want>\d{1,4}), got (?P<have>\d{1,4})",
        "The module is for version {have} of the native interface, and this Node has version {want}.",
        command="npm rebuild",
    ),
    looks_like="was compiled against a different Node.js version using NODE_MODULE_VERSION 115. This version of "
    "Node.js requires NODE_MODULE_VERSION 127.",
    explanation="A compiled module fits one version of Node's interface (NODE_MODULE_VERSION), which each major "
    "release raises; Electron has its own. node_modules was filled by another Node, or copied from another machine.",
    fix="npm rebuild, or remove node_modules and npm install, with the very Node that runs it (node --version; nvm "
    "and the system's differ); in Electron npx @electron/rebuild.",
    links=(
        "https://github.com/WiseLibs/better-sqlite3/issues/180",
        "https://github.com/WiseLibs/better-sqlite3/issues/976",
    ),
)
