"""The built page: small, complete, and with nothing from elsewhere."""

from __future__ import annotations

import gzip
import re

import pytest

from ui.conftest import WEB

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("built_page")]

MAX_BYTES = 250_000
"""Of all that a browser loads, compressed. The design allows 400 KB; less is a reason to look at what was added."""


def test_is_small() -> None:
    loaded = [WEB / "index.html.gz", *WEB.glob("assets/*.gz")]
    assert len(loaded) >= 3
    assert sum(path.stat().st_size for path in loaded) < MAX_BYTES


def test_compressed_copies_are_the_same() -> None:
    copies = [path for path in WEB.rglob("*.gz") if path.is_file()]
    assert copies
    for path in copies:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes(), path


def test_names_of_assets_are_hashed() -> None:
    for path in WEB.glob("assets/*"):
        assert re.search(r"-[\w-]{8}\.(js|css)(\.gz)?$", path.name), path


def test_nothing_comes_from_elsewhere() -> None:
    start = (WEB / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=\"(?!\./)[^\"]*", start) == []
    for path in WEB.glob("assets/*.css"):
        assert not re.search(r"url\(|@import", path.read_text(encoding="utf-8"))
    for path in WEB.glob("assets/*.js"):
        assert not re.search(
            r"""import\s*\(|from\s*["']https?:""", path.read_text(encoding="utf-8")
        )


def test_licences_of_what_is_bundled_are_there() -> None:
    text = (WEB / "licenses.txt").read_text(encoding="utf-8")
    for package in ("svelte", "@codemirror/view", "@codemirror/state", "style-mod"):
        assert re.search(rf"^{package} \d+\.\d+\.\d+ \(MIT\)$", text, re.MULTILINE), package
