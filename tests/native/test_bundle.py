"""Bundles on disk, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coblyn import paths
from coblyn.errors import BundleMissing
from coblyn.native import bundle
from coblyn.native.fit import misfit
from coblyn.native.mend import Repair
from coblyn.native.plan import BuildOptions
from coblyn.native.receipt import LibraryFile, Receipt, read_receipt, write_receipt

if TYPE_CHECKING:
    from pathlib import Path


def make_receipt(name: str, **changes) -> Receipt:
    values = {
        "id": name,
        "backend": name.partition("-")[0],
        "portable": False,
        "asked": {"backend": "auto", "cmake_args": []},
        "accelerates": "CPU: AVX2",
        "created": "2026-01-01T00:00:00+00:00",
        "seconds": 1.0,
        "llama_version": "0.5.0",
        "llama_commit": "0c1e",
        "source": "llama.cpp",
        "compiler": "g++ 13",
        "tools": {},
        "platform": {"cpu.features": "avx avx2"},
        "cmake_args": (),
        "inputs": {"shim": "s1", "source": "l1"},
        "reasons": (),
        "notes": (),
        "libraries": (LibraryFile("libllama.so", 3, "0"),),
    }
    return Receipt(**values | changes)


def make_bundle(name: str, **changes) -> Path:
    path = paths.bundles() / name
    (path / "lib").mkdir(parents=True)
    (path / "lib" / "libllama.so").write_bytes(b"abc")
    write_receipt(path, make_receipt(name, **changes))
    return path


def test_nothing_built_yet() -> None:
    assert bundle.installed() == []
    with pytest.raises(BundleMissing, match="not been built yet") as caught:
        bundle.current()
    assert caught.value.hint == "coblyn build"


def test_the_newest_comes_first() -> None:
    make_bundle("cpu-aaa", created="2026-01-01T00:00:00+00:00")
    make_bundle("cuda-bbb", created="2026-02-01T00:00:00+00:00")
    assert [each.id for each in bundle.installed()] == ["cuda-bbb", "cpu-aaa"]


def test_a_receipt_survives_the_disk() -> None:
    path = make_bundle("cpu-aaa", notes=("one", "two"))
    assert bundle.open_bundle(path).receipt == make_receipt("cpu-aaa", notes=("one", "two"))


def test_half_made_and_foreign_directories_are_no_bundles() -> None:
    make_bundle("cpu-aaa")
    (paths.bundles() / ".new-x").mkdir()
    (paths.bundles() / "strange").mkdir()
    (paths.bundles() / "broken").mkdir()
    for text in ("{", "[" * 200_000, '{"libraries": []}'):
        (paths.bundles() / "broken" / "receipt.json").write_text(text)
        assert [each.id for each in bundle.installed()] == ["cpu-aaa"]


def test_a_prefix_is_enough_if_it_is_clear() -> None:
    make_bundle("cpu-aaa")
    make_bundle("cpu-abb")
    make_bundle("cuda-ccc")
    assert bundle.use("cu").id == "cuda-ccc"
    assert bundle.use("cpu-aa").id == "cpu-aaa"
    with pytest.raises(BundleMissing, match="could be any of"):
        bundle.use("cpu")
    with pytest.raises(BundleMissing, match='no bundle "metal"') as caught:
        bundle.use("metal")
    assert "cuda-ccc" in caught.value.hint
    assert bundle.current_id() == "cpu-aaa"


def test_an_id_that_is_the_beginning_of_another_is_found() -> None:
    make_bundle("cpu-a")
    make_bundle("cpu-ab")
    assert bundle.find("cpu-a").id == "cpu-a"


@pytest.mark.parametrize("name", ["../../etc", "/etc", "", ".."])
def test_a_name_is_no_path(name: str) -> None:
    make_bundle("cpu-aaa")
    with pytest.raises(BundleMissing):
        bundle.remove(name)
    assert len(bundle.installed()) == 1


def test_what_was_measured_with_a_bundle_goes_with_it() -> None:
    paths.tunings().mkdir(parents=True)
    kept, gone = (paths.tunings() / f"{name}.json" for name in ("cpu-aaa", "cpu-bbb"))
    for name, tuning in (("cpu-aaa", kept), ("cpu-bbb", gone)):
        make_bundle(name)
        tuning.write_text("{}")
    bundle.remove("cpu-bbb")
    assert kept.exists()
    assert not gone.exists()


def test_a_current_that_is_gone_or_damaged_is_told() -> None:
    path = make_bundle("cpu-aaa")
    bundle.use("cpu-aaa")
    (path / "lib" / "libllama.so").write_bytes(b"")
    with pytest.raises(BundleMissing, match="damaged"):
        bundle.current()
    bundle.remove("cpu-aaa")
    (paths.bundles() / "current").write_text("cpu-aaa\n")
    with pytest.raises(BundleMissing, match="is gone"):
        bundle.current()


HERE = {"features": frozenset({"avx", "avx2", "fma"}), "source": "l1", "shim": "s1"}


@pytest.mark.parametrize(
    ("receipt", "here", "reason"),
    [
        ({}, {}, ""),
        ({}, {"features": frozenset({"avx"})}, "another CPU (this one lacks avx2)"),
        ({}, {"features": frozenset()}, ""),
        ({"portable": True}, {"features": frozenset({"avx"})}, ""),
        ({}, {"shim": "s2"}, "another version of Coblyn"),
        ({}, {"source": "l2"}, "another version of Coblyn"),
        ({"llama_version": "custom"}, {"source": "l2"}, ""),
        ({"llama_version": "custom"}, {"shim": "s2"}, "another version of Coblyn"),
    ],
)
def test_misfit(receipt: dict, here: dict, reason: str) -> None:
    found = misfit(make_receipt("cpu-aaa", **receipt), **HERE | here)
    assert reason in found
    assert bool(found) == bool(reason)


def test_what_was_asked_for_can_be_asked_for_again() -> None:
    asked = {"backend": "auto", "cmake_args": ["-DGGML_LTO=ON"]}
    receipt = make_receipt("cpu-aaa", asked=asked, portable=True)
    assert receipt.options() == BuildOptions("auto", True, 0, ("-DGGML_LTO=ON",))


def test_what_a_bundle_does_without_need_not_be_here() -> None:
    platform = {"arch": "x86-64", "cpu.features": "amx_tile avx avx2 avx512f avx512_vnni"}
    inputs = {"shim": "s1", "source": "l1", "without": "avx512"}
    receipt = make_receipt("cpu-aaa", platform=platform, inputs=inputs)
    assert not misfit(receipt, **HERE)
    receipt = make_receipt("cpu-aaa", platform=platform, inputs=inputs | {"without": "amx"})
    assert "this one lacks avx512_vnni, avx512f" in misfit(receipt, **HERE)


def test_what_was_left_out_comes_back_from_the_receipt(tmp_path: Path) -> None:
    repair = Repair("product of q4_0", "It died.", "tilezero tmm0", ("amx",), 1)
    asked = {"backend": "cpu", "cmake_args": [], "without": ["fma"]}
    write_receipt(tmp_path, make_receipt("cpu-aaa", asked=asked, repairs=(repair,)))
    receipt = read_receipt(tmp_path)
    assert receipt.repairs == (repair,)
    assert receipt.options() == BuildOptions("cpu", without=frozenset({"fma"}))
