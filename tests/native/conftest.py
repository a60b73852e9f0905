"""Compilers for all platforms; what they made is kept for the whole run."""

from __future__ import annotations

import pytest

from native.cross import Cross


@pytest.fixture(scope="session")
def zig_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("zig")


@pytest.fixture
def cross(tmp_path, zig_cache) -> Cross:
    folder = tmp_path / "made"
    folder.mkdir()
    return Cross(folder, zig_cache)
