from __future__ import annotations

from pathlib import Path

from coblyn.native.place import driver, place_here


def test_a_cpu_bundle_depends_on_the_cpu_alone() -> None:
    here = place_here("cpu")
    assert here.keys() == {"cpu", "flags"}
    assert here == place_here("cpu")
    assert place_here("cuda").keys() == {"cpu", "flags", "driver"}


def test_another_driver_is_another_place(tmp_path: Path) -> None:
    module = tmp_path / "sys/module/nvidia"
    module.mkdir(parents=True)
    (module / "version").write_text("570.1\n")
    before = driver("cuda", tmp_path)
    assert "nvidia 570.1" in before
    (module / "version").write_text("580.2\n")
    assert driver("cuda", tmp_path) != before
    assert "nvidia" not in driver("metal", tmp_path)
    without = driver("vulkan", tmp_path)
    folder = tmp_path / "usr/share/vulkan/icd.d"
    folder.mkdir(parents=True)
    (folder / "lvp_icd.x86_64.json").write_text("{}")
    assert driver("vulkan", tmp_path) != without
