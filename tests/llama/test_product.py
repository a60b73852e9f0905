"""A matrix product by itself, and the log of a library that is listened to."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coblyn.errors import EngineError
from coblyn.llama import devices
from coblyn.llama.library import Library, open_library
from coblyn.llama.product import TYPES, Product
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


def test_by_hand(library: Library) -> None:
    weights = np.arange(64, dtype=np.float32).reshape(2, 32)
    vectors = np.ones((3, 32), np.float32) * np.array([[1], [2], [-1]], np.float32)
    size = {"rows": 2, "inner": 32, "columns": 3, "threads": 2}
    with Product(library, "CPU", "f32", weights.tobytes(), **size) as product:
        product.set(vectors)
        product.compute()
        product.wait()
        found = product.get()
        # The same weights on other vectors.
        product.set(vectors * 2)
        product.compute()
        twice = product.get()
    assert found.tolist() == [[496, 1520], [992, 3040], [-496, -1520]]
    assert twice.tolist() == (found * 2).tolist()
    product.close()  # a second time does nothing


def test_all_is_freed(library: Library) -> None:
    size = {"rows": 1024, "inner": 1024, "columns": 8, "threads": 1}
    weights = bytes(4 << 20)
    import psutil

    process = psutil.Process()
    used = []
    for _ in range(3):
        for _ in range(20):
            Product(library, "CPU", "f32", weights, **size).close()
        gc.collect()
        used.append(process.memory_info().rss)
    # Sixty times four megabytes were taken; nearly none may be left.
    assert used[-1] - used[0] < 40 << 20


def test_an_unknown_device(library: Library) -> None:
    size = {"rows": 1, "inner": 32, "columns": 1, "threads": 1}
    with pytest.raises(EngineError, match="NPU7 cannot be opened"):
        Product(library, "NPU7", "f32", bytes(128), **size)


def test_devices_and_features(library: Library) -> None:
    found = devices.devices(library)
    cpu = next(device for device in found if device.kind == "cpu")
    assert (cpu.name, cpu.backend, cpu.buffer) == ("CPU", "CPU", "CPU")
    assert devices.memory(library, "CPU").total > 2**28
    assert "CPU" in devices.backends(library)
    features = devices.features(library)
    assert features["CPU"] == devices.cpu_features(library)
    assert not [name for name in features["CPU"] if "=" in name and name.endswith("=1")]
    assert set(TYPES) == {"f32", "f16", "q8_0", "q4_0"}


LISTEN = """
import sys
from pathlib import Path
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
heard = []
library = open_library(Path(sys.argv[1]), heard.append)
with Model(library, Path(sys.argv[2])) as model:
    assert any("model buffer size" in line for line in heard), heard
    assert any("assigned to device CPU" in line for line in heard), "debug lines come too"
    assert set(model.log_lines) <= set(heard)
    assert not any("\\n" in line for line in heard)
try:
    Model(library, Path(__file__ if "__file__" in dir() else sys.executable))
except Exception as error:
    assert "GGUF" in str(error) or "gguf" in str(error), error
else:
    raise SystemExit("that was not a model")
"""


def test_a_log_that_is_listened_to(bundle: Bundle, starter_model: Path) -> None:
    # A process of its own: who listens once listens for good.
    command = [sys.executable, "-c", LISTEN, str(bundle.lib_dir), str(starter_model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
