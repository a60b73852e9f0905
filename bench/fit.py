"""Is what Coblyn says of memory what a model then takes, and does it keep within a limit?

Twenty shapes are measured without loading them, then loaded by the engine in a process of its own, all buffers of which
are made real: a context's pages exist only when they are written to. What was told is compared with what that process
has resident. Weights that the library copies into a layout of its own were read through the mapping before; those pages
stay until memory is needed, and do not count.

With ``--group`` a directory of control groups (version 1 or 2) that may be written to, every shape is fitted and loaded
under each limit, too: it has to load or to be refused, and nothing may be killed.

    python bench/fit.py [--group DIRECTORY --limit 1 --limit 2 --limit 4]

The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.errors import ModelTooLarge
from coblyn.fit.fitting import fitted, survey
from coblyn.fit.need import MAIN
from coblyn.llama.environment import engine_environment
from coblyn.native import bundle
from shapes import SHAPES, Shape

_POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE`` of Linux 5.14."""

_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ")

_ENVIRONMENT = engine_environment() | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
"""Without huge pages for what is no buffer of the library."""


@dataclass(frozen=True)
class Result:
    """Bytes that were told and taken for a shape."""

    name: str
    told: int
    taken: int

    @property
    def error(self) -> float:
        """How far off the first was, as a part of the second."""
        return self.told / self.taken - 1


def config_of(shape: Shape, directory: Path) -> EngineConfig:
    """The configuration of a shape, whose file is written."""
    path = directory / "model.gguf"
    shape.write(path)
    current = bundle.current()
    chosen = EngineConfig(str(path), str(current.lib_dir), current.id)
    return replace(chosen, cache_memory=0, speculation=False, **shape.settings)


def compare(shape: Shape, directory: Path) -> Result:
    """Measure a shape, and load it."""
    config = config_of(shape, directory)
    answer = survey(config, "check")
    assert not answer.problem, answer.problem
    need = answer.wish.on(MAIN)
    resident, mapped = loaded(config)
    read_while_loading = mapped - need.mapped if need.mapped else 0
    return Result(shape.name, need.total, resident - read_while_loading)


def loaded(config: EngineConfig) -> tuple[int, int]:
    """Bytes that a process with the engine has resident, and those of the file that it has mapped."""
    argv = [sys.executable, __file__, "--load", msgspec.json.encode(config).decode()]
    done = subprocess.run(argv, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{config.model}: code {done.returncode}\n{done.stderr[-2000:]}")
    resident, mapped = done.stdout.split()[-2:]
    return int(resident), int(mapped)


def load(config: EngineConfig) -> None:
    """In the process: load, write to every page, decode a token of each sequence, and say what is resident."""
    from coblyn.engine.runner import LlamaRunner
    from coblyn.llama.context import Batch
    from coblyn.llama.memory_use import memory_uses

    runner = LlamaRunner(config)
    populate()
    count = runner.max_sequences
    batch = Batch(count)
    for sequence in range(count):
        batch.put(sequence, 1, 0, sequence, output=True)
    runner._context.decode(batch, count)  # noqa: SLF001 - what a plan would take a scheduler for
    mapped = sum(use.mappable for use in memory_uses(runner._context))  # noqa: SLF001
    print(_status("VmRSS"), mapped, flush=True)
    os._exit(0)


def populate() -> None:
    """Make the library's large buffers real: the regions for which it advised huge pages."""
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start, size in _buffers():
        assert madvise(start, size, _POPULATE_WRITE) == 0, "there is memory for all"


def _buffers() -> Iterator[tuple[int, int]]:
    start = end = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := _REGION.match(line):
            start, end = (int(number, 16) for number in found.groups())
        elif line.startswith("VmFlags:") and "hg" in line.split():
            yield start, end - start


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024


@contextmanager
def limited(groups: Path, limit: int) -> Iterator[Path]:
    """A control group with a limit in bytes, below the one whose directory is given."""
    group = groups / "coblyn-fit"
    group.mkdir()
    try:
        is_old = (group / "memory.limit_in_bytes").exists()
        (group / ("memory.limit_in_bytes" if is_old else "memory.max")).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def under_limit(shape: Shape, directory: Path, groups: Path, gigabytes: int) -> str:
    """ "loads", "refused", or what went wrong, of a shape that is fitted and loaded under a limit."""
    config = replace(config_of(shape, directory), cache_memory=2048)
    argv = [sys.executable, __file__, "--fit", msgspec.json.encode(config).decode()]
    with limited(groups, gigabytes << 30) as group:

        def enter() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

        done = subprocess.run(
            argv, env=_ENVIRONMENT, capture_output=True, text=True, check=False, preexec_fn=enter
        )
    if done.returncode:
        return f"code {done.returncode}: {done.stderr[-300:]}"
    return done.stdout.split()[0]


def fit_and_load(config: EngineConfig) -> None:
    """In the process under a limit: fit, and load what fits."""
    try:
        found = fitted(config)
    except ModelTooLarge:
        print("refused", flush=True)
        return
    print("loads", flush=True)
    load(found.config)


def main() -> None:
    """Compare, and try the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", type=Path)
    parser.add_argument("--limit", type=int, action="append", default=[])
    parser.add_argument("--load")
    parser.add_argument("--fit")
    given = parser.parse_args()
    if given.load:
        load(msgspec.json.decode(given.load, type=EngineConfig))
    elif given.fit:
        fit_and_load(msgspec.json.decode(given.fit, type=EngineConfig))
    else:
        _report(given.group, given.limit)


def _report(groups: Path | None, limits: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        results = []
        for shape in SHAPES:
            results.append(compare(shape, directory))
            _print(results[-1])
        kept = {}
        for limit in limits if groups else ():
            assert groups, "there are limits"
            outcomes = [under_limit(shape, directory, groups, limit) for shape in SHAPES]
            kept[limit] = {each: outcomes.count(each) for each in sorted(set(outcomes))}
            print(f"{limit} GB: {kept[limit]}", flush=True)
    errors = {result.name: round(result.error, 4) for result in results}
    worst = max(abs(error) for error in errors.values())
    print(json.dumps({"worst": worst, "errors": errors, "limits": kept}))


def _print(result: Result) -> None:
    told, taken = result.told / 1e6, result.taken / 1e6
    print(f"{result.name:28}{told:10.1f}{taken:10.1f} MB{result.error:9.2%}", flush=True)


if __name__ == "__main__":
    main()
