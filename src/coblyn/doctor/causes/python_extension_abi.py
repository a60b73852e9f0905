"""A compiled Python module meets another version of what it was compiled for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "python-extension-abi",
    "A compiled module was made for another version of what it loads",
    sign(
        r"undefined symbol: (?P<name>_ZN?K?\d{0,2}(?:3c10|5torch|2at|c10|torch)\w{1,300})",
        "The module looks for {name}, which this PyTorch does not have.",
        unless=r"St7__cxx11|B5cxx11|_ZN3c105ErrorC2E",
        text="Take the module's wheel for this very PyTorch, CUDA and C++ ABI, or build it here: "
        "pip install --no-build-isolation --no-cache-dir --no-binary NAME NAME.",
    ),
    sign(
        r"undefined symbol: (?P<name>_?Py(?:Unicode|Object|Frame|Code|Thread|Interpreter|Cmp|Gen|"
        r"Dict|Long)\w{1,80})",
        "The module looks for {name}, which this Python does not have: it was compiled for "
        "another Python.",
    ),
    sign(
        r"numpy\.(?:ndarray|dtype) size changed, may indicate binary incompatibility",
        "The module was compiled against another numpy.",
        command='pip install --force-reinstall "numpy<2"',
    ),
    sign(
        r"A module that was compiled using NumPy 1\.x cannot be run in NumPy (?P<version>[\d.]+)",
        "The module was compiled against numpy 1, and numpy {version} is installed.",
        command='pip install "numpy<2"',
    ),
    sign(
        r"Module use of python3\d+\.dll conflicts with this version of Python",
        "The module was compiled for another Python.",
    ),
    looks_like="ImportError: ….so: undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationE…",
    explanation="A compiled module calls the library that it was compiled with by names that hold its version and "
    "its way of passing strings. Another version of PyTorch, numpy or Python has other names.",
    fix="Install the module in the version that fits, or build it on this machine against what "
    "is installed.",
    links=("https://github.com/pytorch/extension-cpp/issues/122",),
    explains=("undefined-symbol",),
)
