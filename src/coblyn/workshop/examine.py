"""Examines models: the importance of their weights' inputs, and the difference between two models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.models.check import check_model, require_writer
from coblyn.models.splits import part_names
from coblyn.progress import Report, silent
from coblyn.workshop.job import run_job
from coblyn.workshop.quality import Quality
from coblyn.workshop.result import new_file
from coblyn.workshop.text import Excerpt

__all__ = ["Compared", "Observed", "compare", "observe"]


@dataclass(frozen=True, slots=True)
class Observed:
    """An importance matrix that was written, and its extent.

    Attributes:
        path: Its file.
        num_chunks: Number of chunks of the text that were read.
        num_tensors: Number of tensors in it.
        unseen: Tensors with an expert that received no input: the text was too short.
    """

    path: Path
    num_chunks: int
    num_tensors: int
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison of two models on one text.

    Attributes:
        models: Their files.
        quality: How far the second differs from the first.
        sizes: Bytes of their files.
        read_speeds: Tokens per second that each reads, on this machine.
        write_speeds: Tokens per second that each writes, one after another, on this machine.
    """

    models: tuple[Path, Path]
    quality: Quality
    sizes: tuple[int, int]
    read_speeds: tuple[float, float]
    write_speeds: tuple[float, float]


def observe(
    model: Path,
    excerpt: Excerpt,
    target: Path,
    config: EngineConfig,
    *,
    with_output: bool = False,
    report: Report = silent,
) -> Observed:
    """Write the importance matrix of a model, measured on a text.

    Args:
        model: Its file; of a split one, the first.
        excerpt: What is read of a text.
        target: The new file; an existing one is replaced.
        config: Libraries, kernels, threads and layers on accelerators.
        with_output: Whether to include the output matrix.
        report: Gets the progress in chunks.

    Raises:
        BadRequest: The text does not exist or is too short.
        CoblynError: The model cannot be loaded, or the file cannot be written.
    """
    _check(excerpt, model)
    what = "Writing the importance matrix"
    with new_file(target, what=what, source=excerpt.text, report=report) as part:
        request = excerpt.to_json() | {
            "model": str(model),
            "name": excerpt.text.name,
            "target": str(part),
            "config": msgspec.to_builtins(config),
            "with_output": with_output,
        }
        answer = run_job(Path(config.library), "observe", request, report=report)
    return Observed(target, answer["num_chunks"], answer["num_tensors"], tuple(answer["unseen"]))


def compare(
    first: Path,
    second: Path,
    excerpt: Excerpt,
    config: EngineConfig,
    *,
    report: Report = silent,
) -> Compared:
    """Compare the predictions of two models; both are loaded at the same time.

    Args:
        first: The reference model, such as the one in F16.
        second: The other model, such as one quantized from it.
        excerpt: What is read of a text; the second half of each chunk counts.
        config: Libraries, kernels, threads and layers on accelerators.
        report: Gets the progress in chunks.

    Raises:
        BadRequest: The text does not exist or is too short, or the models have different tokens.
        CoblynError: A model cannot be loaded.
    """
    _check(excerpt, first, second)
    request = excerpt.to_json() | {
        "models": [str(first), str(second)],
        "config": msgspec.to_builtins(config),
    }
    answer = run_job(Path(config.library), "compare", request, report=report)
    (read, written), (other_read, other_written) = answer["speeds"]
    return Compared(
        (first, second),
        Quality(**answer["quality"]),
        (_size(first), _size(second)),
        (read, other_read),
        (written, other_written),
    )


def _check(excerpt: Excerpt, *models: Path) -> None:
    excerpt.check()
    for model in models:
        require_writer(check_model(model))


def _size(model: Path) -> int:
    parts = [model.with_name(name) for name in part_names(model.name)]
    return sum(part.stat().st_size for part in parts if part.is_file())
