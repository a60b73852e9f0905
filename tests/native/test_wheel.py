"""Engines as wheels: written from a bundle, installed by pip, found, used."""

from __future__ import annotations

import base64
import csv
import errno
import hashlib
import importlib
import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from coblyn import __version__, paths
from coblyn.errors import BundleMissing, DiskFull, NativeError
from coblyn.native import bundle, fit
from coblyn.native.lock import load_lock
from coblyn.native.packaged import ENGINE_PACKAGES
from coblyn.native.plan import BuildOptions
from coblyn.native.prepare import shim_digest, shim_dir
from coblyn.native.receipt import LibraryFile, write_receipt
from coblyn.native.wheel import engine_name, for_wheel, write_wheel
from coblyn.run import run
from native.test_bundle import make_receipt

CODE = "int one(void) { return 1; }\n"


@pytest.fixture
def engine(cross, tmp_path: Path) -> bundle.Bundle:
    """A portable bundle of one real library, outside of where bundles are kept."""
    folder = tmp_path / "elsewhere" / "cpu-0123456789ab"
    (folder / "lib").mkdir(parents=True)
    made = cross.library("libllama.so", CODE).rename(folder / "lib" / "libllama.so")
    library = LibraryFile(made.name, made.stat().st_size, "0")
    inputs = {"shim": shim_digest(shim_dir()), "source": load_lock().digest}
    write_receipt(
        folder, make_receipt(folder.name, portable=True, libraries=(library,), inputs=inputs)
    )
    return bundle.open_bundle(folder)


@pytest.fixture
def wheel(engine: bundle.Bundle, tmp_path: Path) -> Path:
    text = tmp_path / "LICENSE"
    text.write_text("MIT\n")
    return write_wheel(engine, tmp_path / "wheels", licenses=[text])


@pytest.fixture
def site(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip has installed the wheel, now on the path."""
    if sys.platform != "linux":
        pytest.skip("the wheel is for Linux")
    place = tmp_path / "site"
    argv = [sys.executable, "-m", "pip", "install", "--no-index", "--target", place, wheel]
    run(argv, timeout=120, env={"PIP_NO_CACHE_DIR": "1"})
    monkeypatch.syspath_prepend(place)
    importlib.invalidate_caches()
    return place


def test_the_record_names_every_file_with_its_digest(wheel: Path) -> None:
    assert wheel.name == f"coblyn_engine_cpu-{__version__}-py3-none-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        info = f"coblyn_engine_cpu-{__version__}.dist-info"
        rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
        assert {row[0] for row in rows} == set(archive.namelist())
        for name, digest, size in rows:
            if not name.endswith("RECORD"):
                content = archive.read(name)
                expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
                assert digest == f"sha256={expected.decode().rstrip('=')}"
                assert int(size) == len(content)
        assert b"Tag: py3-none-manylinux_2_17_x86_64\n" in archive.read(f"{info}/WHEEL")
        assert archive.read(f"{info}/licenses/LICENSE") == b"MIT\n"


def test_the_same_bundle_gives_the_same_wheel(engine: bundle.Bundle, tmp_path: Path) -> None:
    first, second = (
        write_wheel(engine, tmp_path / name, licenses=[]).read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_a_bundle_for_one_cpu_makes_no_wheel(tmp_path: Path) -> None:
    native = bundle.Bundle(tmp_path, make_receipt("cpu-aaa"))
    with pytest.raises(NativeError, match="built for one CPU"):
        write_wheel(native, tmp_path, licenses=[])


def test_what_a_wheel_is_built_with() -> None:
    options = for_wheel(BuildOptions("cuda", cmake_args=("-DX=1",)))
    assert options.portable
    assert options.cmake_args[0] == "-DGGML_OPENMP=OFF"
    assert options.cmake_args[-1] == "-DX=1"
    assert any("nvidia/cublas/lib" in each for each in options.cmake_args)


def test_names_are_those_that_are_looked_for() -> None:
    cuda = make_receipt("cuda-aaa", inputs={"cuda.version": "12.9"})
    assert engine_name(cuda) == "coblyn-engine-cuda12"
    for receipt in (cuda, *(make_receipt(f"{name}-aaa") for name in ("cpu", "metal", "vulkan"))):
        assert engine_name(receipt).replace("-", "_") in ENGINE_PACKAGES


def test_an_installed_engine_is_listed_and_can_be_used(site: Path, engine) -> None:
    (found,) = bundle.installed()
    assert found.id == engine.id
    assert found.path == site / "coblyn_engine_cpu"
    assert found.distribution == "coblyn-engine-cpu"
    assert found.is_complete()
    assert bundle.use("cpu-0123").path == found.path
    assert bundle.current().lib_dir == site / "coblyn_engine_cpu" / "lib"
    with pytest.raises(NativeError, match="belongs to the Python package") as caught:
        bundle.remove(found.id)
    assert caught.value.hint == "pip uninstall coblyn-engine-cpu"


def test_an_engine_built_here_is_taken_before_the_same_one_of_a_package(site, engine) -> None:
    paths.bundles().mkdir(parents=True)
    engine.path.rename(paths.bundles() / engine.id)
    (found,) = bundle.installed()
    assert not found.distribution


def test_a_package_is_taken_only_if_it_suits(site: Path, monkeypatch) -> None:
    best = fit.best_package()
    assert best is not None
    assert best.path == site / "coblyn_engine_cpu"
    assert fit.best_package("cuda") is None
    (site / "coblyn_engine_cpu" / "lib" / "libllama.so").write_bytes(b"damaged")
    assert fit.best_package() is None


def test_a_package_of_another_version_is_not_taken(site: Path, monkeypatch) -> None:
    monkeypatch.setattr(fit, "shim_digest", lambda _: "another")
    assert fit.best_package() is None
    (why,) = fit.package_faults()
    assert "coblyn-engine-cpu" in why
    assert "another version of Coblyn" in why


def test_a_damaged_package_is_named_with_what_mends_it(site: Path) -> None:
    assert fit.package_faults() == []
    bundle.use("cpu-0123")
    (site / "coblyn_engine_cpu" / "lib" / "libllama.so").write_bytes(b"cut")
    (why,) = fit.package_faults()
    assert "damaged: pip install --force-reinstall coblyn-engine-cpu" in why
    with pytest.raises(BundleMissing) as caught:
        bundle.current()
    assert caught.value.hint == "pip install --force-reinstall coblyn-engine-cpu"


def test_a_full_disk_leaves_no_half_wheel(engine, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = tmp_path / "wheels"
    with monkeypatch.context() as patched:
        patched.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises(DiskFull):
            write_wheel(engine, folder, licenses=[])
    assert not list(folder.iterdir())


def test_of_two_packages_the_one_whose_device_is_here_is_taken(site: Path, monkeypatch) -> None:
    receipt = bundle.open_bundle(site / "coblyn_engine_cpu").receipt
    twin = site / "coblyn_engine_vulkan"
    (twin / "lib").mkdir(parents=True)
    library = site / "coblyn_engine_cpu" / "lib" / "libllama.so"
    (twin / "lib" / library.name).write_bytes(library.read_bytes())
    write_receipt(
        twin,
        make_receipt("vulkan-1", portable=True, inputs=receipt.inputs, libraries=receipt.libraries),
    )
    importlib.invalidate_caches()
    monkeypatch.setattr("coblyn.native.backends.vulkan.detect", _verdict(has_device=False))
    assert fit.best_package().receipt.backend == "cpu"
    monkeypatch.setattr("coblyn.native.backends.vulkan.detect", _verdict(has_device=True))
    assert fit.best_package().receipt.backend == "vulkan"


def _verdict(*, has_device: bool):
    from coblyn.native.backends.verdict import Verdict

    return lambda facts: Verdict(has_device, False, "")
