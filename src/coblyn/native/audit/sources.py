"""One source in several objects of one link, as a build directory's own files tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_text
from coblyn.doctor.tree.link import read_ninja, twins

if TYPE_CHECKING:
    from pathlib import Path

    from coblyn.doctor.tree.link import Twins

__all__ = ["twins_of_build"]

_MAX_BYTES = 64 * 2**20


def twins_of_build(build_dir: Path) -> tuple[Twins, ...]:
    """Pairs of objects that come from one source and are in one link; archives are no link.

    Args:
        build_dir: A build directory with ninja's ``build.ninja``; without one, nothing is found.
    """
    text = read_text(build_dir / "build.ninja", _MAX_BYTES)
    return tuple(pair for link in read_ninja(text) if not link.is_archive for pair in twins(link))
