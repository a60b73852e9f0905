"""What is read from llama.cpp's log: lines in the forms of release 0.5.0."""

from __future__ import annotations

import json
from dataclasses import asdict

import msgspec
import pytest

from coblyn.llama.placement import Device, Placement, Share, read_placement

MIB = 2**20

CPU = Device("CPU", "AMD EPYC", "cpu", "CPU", "CPU")
CUDA0 = Device("CUDA0", "NVIDIA GeForce RTX 3060", "gpu", "CUDA", "CUDA0")
CUDA1 = Device("CUDA1", "NVIDIA GeForce RTX 3060", "gpu", "CUDA", "CUDA1")
METAL = Device("MTL0", "Apple M2", "igpu", "MTL", "MTL0")
REMOTE = Device("RPC0", "127.0.0.1:50052", "gpu", "RPC", "RPC0[127.0.0.1:50052]")
BLAS = Device("BLAS", "Accelerate", "accel", "BLAS", "CPU")

# The second line is there on machines without any GPU too: the RPC backend is compiled in.
LOG_CPU = """\
print_info: n_layer               = 30
load_tensors: offloading 30 repeating layers to GPU
load_tensors: offloaded 31/31 layers to GPU
load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
llama_kv_cache:        CPU KV buffer size =     5.62 MiB
sched_reserve:        CPU compute buffer size =    49.13 MiB
sched_reserve: graph: nodes = 937, splits = 1, input objects = 5, input tensors = 5"""

LOG_CUDA = """\
llama_prepare_model_devices: using device CUDA0 (NVIDIA GeForce RTX 3060) (0000:01:00.0) - 11909 MiB free
load_tensors: offloading output layer to GPU
load_tensors: offloaded 33/33 layers to GPU
load_tensors:    CUDA_Host model buffer size =   281.81 MiB
load_tensors:        CUDA0 model buffer size =  4403.49 MiB
llama_context:  CUDA_Host  output buffer size =     0.49 MiB
llama_kv_cache:      CUDA0 KV buffer size =  1024.00 MiB
sched_reserve:      CUDA0 compute buffer size =   304.00 MiB
sched_reserve:  CUDA_Host compute buffer size =    24.01 MiB
sched_reserve: graph (pp bs=512, tg bs=1): nodes = 999, splits = 2 / 3, input objects = 5, input tensors = 5"""

LOG_METAL = """\
llama_prepare_model_devices: using device MTL0 (Apple M2) (unknown id) - 10922 MiB free
load_tensors: offloaded 29/29 layers to GPU
load_tensors:   CPU_Mapped model buffer size =   308.23 MiB
load_tensors:  MTL0_Mapped model buffer size =  1834.82 MiB
llama_kv_cache:       MTL0 KV buffer size =   112.00 MiB
sched_reserve:       MTL0 compute buffer size =   299.75 MiB"""


def read(log: str, *devices: Device, gpu_layers: int = -1) -> Placement:
    return read_placement(log.splitlines(), devices, gpu_layers=gpu_layers, num_layers=30)


def test_offloaded_is_not_believed() -> None:
    placement = read(LOG_CPU, BLAS, CPU)
    assert placement.num_layers == 31
    assert placement.on_devices == 0
    assert placement.accelerated_by == ()
    assert placement.graph_splits == 1
    assert placement.shares == (
        Share("CPU", round(92.10 * MIB), round(5.62 * MIB), round(49.13 * MIB)),
    )


def test_cuda() -> None:
    placement = read(LOG_CUDA, CUDA0, CPU)
    assert (placement.on_devices, placement.num_layers) == (33, 33)
    assert placement.accelerated_by == ("CUDA0",)
    assert placement.graph_splits == 3
    gpu, main = placement.shares
    assert (gpu.weights, gpu.cache, gpu.compute) == (round(4403.49 * MIB), 1024 * MIB, 304 * MIB)
    # What CUDA holds in main memory is no memory of the GPU.
    assert (main.weights, main.compute) == (
        round(281.81 * MIB),
        round(24.01 * MIB) + round(0.49 * MIB),
    )


def test_metal() -> None:
    placement = read(LOG_METAL, METAL, BLAS, CPU)
    assert (placement.on_devices, placement.num_layers) == (29, 29)
    assert placement.accelerated_by == ("MTL0",)
    assert placement.graph_splits == 0


def test_two_devices() -> None:
    log = LOG_CUDA.replace("CUDA0 compute", "CUDA1 compute")
    log += """
llama_prepare_model_devices: using device CUDA1 (NVIDIA GeForce RTX 3060) (0000:02:00.0) - 11909 MiB free
load_tensors:        CUDA1 model buffer size =   100.00 MiB"""
    assert read(log, CUDA0, CUDA1, CPU).accelerated_by == ("CUDA0", "CUDA1")


@pytest.mark.parametrize(("asked", "there"), [(-1, 33), (99, 33), (33, 33), (20, 20), (1, 1)])
def test_layers_that_were_asked_for(asked: int, there: int) -> None:
    assert read(LOG_CUDA, CUDA0, CPU, gpu_layers=asked).on_devices == there


def test_a_device_that_is_used_but_holds_nothing() -> None:
    log = "\n".join(line for line in LOG_CUDA.splitlines() if "CUDA0 model buffer" not in line)
    assert read(log, CUDA0, CPU).on_devices == 0


def test_a_device_that_is_seen_but_not_used() -> None:
    placement = read(LOG_CPU, CUDA0, CPU, gpu_layers=0)
    assert placement.on_devices == 0
    assert placement.accelerators == (CUDA0,)


def test_a_log_that_tells_nothing() -> None:
    placement = read("", CPU)
    assert (placement.num_layers, placement.on_devices, placement.shares) == (31, 0, ())


@pytest.mark.parametrize(
    ("device", "buffer", "owns"),
    [
        (CUDA0, "CUDA0", True),
        (CUDA0, "CUDA0_Split", True),
        (CUDA0, "CUDA_Host", False),
        (CUDA0, "CUDA01", False),
        (METAL, "MTL0_Private", True),
        (REMOTE, "RPC0[127.0.0.1:50052]", True),
        (REMOTE, "RPC01[127.0.0.1:50052]", False),
    ],
)
def test_whose_memory(device: Device, buffer: str, owns: bool) -> None:
    assert device.owns(buffer) is owns


def test_there_and_back() -> None:
    placement = read(LOG_CUDA, CUDA0, CPU)
    assert msgspec.convert(json.loads(json.dumps(asdict(placement))), Placement) == placement
