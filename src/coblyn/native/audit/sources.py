"""Finds one source in several objects of one link, from the files of a build directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.trace.link import read_ninja, twins

if TYPE_CHECKING:
    from pathlib import Path

    from coblyn.native.trace.link import Twins

__all__ = ["twins_of_build"]


def twins_of_build(build_dir: Path) -> tuple[Twins, ...]:
    """Pairs of objects that come from one source and are in one link; archives are not links.

    Args:
        build_dir: A build directory with ninja's ``build.ninja``; without one, nothing is found.
    """
    try:
        text = (build_dir / "build.ninja").read_text("utf-8", "surrogateescape")
    except OSError:
        return ()
    return tuple(pair for link in read_ninja(text) if not link.is_archive for pair in twins(link))
