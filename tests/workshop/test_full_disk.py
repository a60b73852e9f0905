"""Disks that become full in the middle of the work, for real: a small file system in memory, which takes root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.engine.config import EngineConfig
from coblyn.errors import DiskFull
from coblyn.models import created, store
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.pull import pull
from coblyn.native.bundle import Bundle
from coblyn.progress import Progress
from coblyn.workshop.convert import convert, open_original
from coblyn.workshop.converter import Converter
from coblyn.workshop.examine import observe
from coblyn.workshop.quantize import Recipe, plan_quantized, quantize
from coblyn.workshop.split import merge, open_whole, split, split_by_tensors
from coblyn.workshop.text import Excerpt
from gguf_file import whole_model
from workshop.test_convert import SCRIPT, safetensors

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="takes root to mount"
)

SIZE = 26 << 20

Fill = Callable[[Progress], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def fill(disk: Path) -> Fill:
    """Leaves no byte on the disk, as soon as there is progress: the room was asked for by then."""

    def until_full(_: Progress) -> None:
        with suppress(OSError), (disk / "others").open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    return until_full


def left(disk: Path) -> list[str]:
    return sorted(path.name for path in disk.rglob("*") if path.is_file())


def test_a_pull_leaves_nothing(disk: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    source = whole_model().write(disk.with_name("source.gguf"))
    with source.open("ab") as file:
        file.write(bytes(4 << 20))  # more than comes in one block
    monkeypatch.setenv("COBLYN_HOME", str(disk / "home"))
    with pytest.raises(DiskFull, match="no space left in"):
        pull(str(source), report=fill)
    assert left(disk) == ["others"]
    assert store.installed() == ()
    (disk / "others").unlink()
    assert pull(str(source)).path.read_bytes() == source.read_bytes()


def test_splitting_and_merging_leave_nothing(disk: Path, fill: Fill, tmp_path: Path) -> None:
    whole = open_whole(whole_model().write(tmp_path / "source.gguf"))
    with pytest.raises(DiskFull, match=r"Splitting source\.gguf: no space left in"):
        split(whole, split_by_tensors(len(whole.tensors), 4), disk / "part", fill)
    assert left(disk) == ["others"]
    (disk / "others").unlink()
    with pytest.raises(DiskFull, match=r"Merging source\.gguf: no space"):
        merge(whole, disk / "merged.gguf", fill)
    assert left(disk) == ["others"]


def test_converting_names_the_disk(disk: Path, fill: Fill, tmp_path: Path) -> None:
    folder = tmp_path / "Tiny"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', "utf-8")
    safetensors(folder / "model.safetensors", embedding=(4, 2))
    script = tmp_path / "convert.py"
    waits = "import time\nwhile not (folder / 'full').exists(): time.sleep(0.01)\n"
    script.write_text(SCRIPT.replace("shutil.copy(", f"{waits}shutil.copy("))

    def fill_first(progress: Progress) -> None:
        fill(progress)
        (folder / "full").touch()

    whole_model().write(folder / "result")
    converter = Converter(Path(sys.executable), script)
    with pytest.raises(DiskFull, match="Converting Tiny: no space left in"):
        convert(open_original(folder), "F16", disk / "new.gguf", converter, report=fill_first)
    assert left(disk) == ["others"]


@pytest.mark.native
def test_quantizing_names_the_disk(disk: Path, fill: Fill, bundle: Bundle, tmp_path: Path) -> None:
    model = whole_model().write(tmp_path / "source.gguf")
    recipe = Recipe("Q8_0")
    plan = plan_quantized(model, recipe, bundle.lib_dir)
    with pytest.raises(DiskFull, match=r"to Q8_0: no space left in"):
        quantize(plan, recipe, disk / "small.gguf", bundle.lib_dir, fill)
    assert left(disk) == ["others"]


@pytest.mark.native
def test_an_importance_matrix_names_the_disk(
    disk: Path, fill: Fill, bundle: Bundle, tmp_path: Path
) -> None:
    model = whole_model().write(tmp_path / "source.gguf")
    text = tmp_path / "text.txt"
    text.write_text("a" * 20_000, "utf-8")  # is still read when the disk is full
    config = EngineConfig(str(model), str(bundle.lib_dir), kernels=False, threads=1)
    with pytest.raises(DiskFull, match="Writing the importance matrix: no space left in"):
        observe(model, Excerpt(text, 32), disk / "new.gguf", config, report=fill)
    assert left(disk) == ["others"]


def test_what_is_kept_beside_models_stays_as_it_was(
    disk: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COBLYN_HOME", str(disk / "home"))
    created.save(Name.of("pirate"), Modelfile("base", system="Arr."))
    fill(Progress("", 0, None))
    with pytest.raises(DiskFull, match="Creating pirate:latest: no space left"):
        created.save(Name.of("pirate"), Modelfile("base", system="x" * 100_000))
    found = created.find(Name.of("pirate"))
    assert found
    assert found.modelfile.system == "Arr."
    assert left(paths.models()) == ["latest.json"]
