"""What a pack says about itself. Pure text."""

from __future__ import annotations

from collections.abc import Sequence

import coblyn
from coblyn.models.catalogue import lookup

__all__ = ["readme"]

_TEXT = """\
# Coblyn {version} for a machine without a network

Made for Python {python}. Run these lines in this directory; nothing is asked of the network.

```bash
sha256sum -c --quiet SHA256SUMS
python{python} -m venv ~/coblyn && ~/coblyn/bin/pip install --no-index --find-links packages coblyn
export COBLYN_PACK="$PWD"
~/coblyn/bin/coblyn build --offline{backend}
{run}
```

The machine needs what the engine is built with: a C++ compiler{toolkit}. CMake and ninja are in `packages`.
`COBLYN_PACK` names the place where Coblyn looks for what it would fetch otherwise.
"""
_TOOLKITS = {
    "cuda": ", and NVIDIA's driver and CUDA toolkit",
    "hip": ", and ROCm",
    "vulkan": ", and Vulkan's headers and shader compiler",
}


def readme(backend: str, python: str, models: Sequence[str]) -> str:
    """The text of README.md.

    Args:
        backend: What will be built; "auto" leaves it to the machine.
        python: Version of Python, "3.11".
        models: The models in the pack.
    """
    return _TEXT.format(
        version=coblyn.__version__,
        python=python,
        backend="" if backend == "auto" else f" --backend {backend}",
        run="\n".join(map(_run, models)) or "~/coblyn/bin/coblyn run MODEL.gguf",
        toolkit=_TOOLKITS.get(backend, ""),
    )


def _run(model: str) -> str:
    if lookup(model):
        return f"~/coblyn/bin/coblyn run {model} --yes"
    name = model.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf")
    return f"~/coblyn/bin/coblyn run models/{name}.gguf"
