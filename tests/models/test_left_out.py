"""Models of which one tensor is missing: each is refused with an error that names it, and none ends its process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coblyn.errors import ModelError
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.models.check import check_model
from coblyn.models.needed import lacking
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, Tiny, family_model
from gguf_file import GgufWriter
from more_family_models import MORE_FAMILIES

OPTIONAL = {"output.weight", "exp_probs_b.bias"}
"""Without its own, a model uses the table of embeddings, or chooses experts without a bias."""


def cut_files(tiny: Tiny, path: Path) -> Iterator[str]:
    """Write the model without one tensor of each kind, one after the other; gives the tensors' names."""
    whole = family_model(tiny)
    kinds = {name.split(".", 2)[-1]: name for name, *_ in whole.tensors}
    for name in kinds.values():
        kept = [tensor for tensor in whole.tensors if tensor[0] != name]
        GgufWriter(whole.metadata, kept).write(path)
        yield name


def load(library: Library, path: Path) -> None:
    """Check a file, load it and compute a token."""
    check_model(path)
    with Model(library, path) as model, Context(model, ContextOptions(64, 8, 1, threads=1)) as one:
        batch = Batch(8)
        batch.fill(0, [5], 0, 0, output=True)
        one.decode(batch, 1)


@pytest.mark.native
@pytest.mark.parametrize("tiny", [*FAMILIES, *MORE_FAMILIES], ids=lambda tiny: tiny.architecture)
def test_one_tensor_is_missing(tiny: Tiny, tmp_path: Path, bundle: Bundle) -> None:
    library, path = open_library(bundle.lib_dir), tmp_path / "model.gguf"
    for name in cut_files(tiny, path):
        if {name, name.split(".", 2)[-1]} & OPTIONAL:
            continue
        with pytest.raises(ModelError, match=re.escape(name)):
            load(library, path)


LAYER = "blk.3."


@pytest.mark.parametrize(
    ("architecture", "there", "missing"),
    [
        ("phi3", {"attn_output.weight"}, "attn_qkv.weight"),
        ("phi3", {"attn_output.weight", "attn_q.weight", "attn_k.weight"}, "attn_v.weight"),
        ("qwen3next", {"ssm_out.weight", "attn_gate.weight"}, "attn_qkv.weight"),
        ("qwen3next", {"ssm_out.weight", "ssm_in.weight"}, None),
        ("qwen35moe", {"ssm_out.weight", "attn_qkv.weight"}, "attn_gate.weight"),
        ("nemotron_h", {"ssm_conv1d.weight"}, "ssm_conv1d.bias"),
        ("mamba3", {"ssm_conv1d.weight"}, None),
    ],
)
def test_what_the_library_calls_optional(
    architecture: str, there: set[str], missing: str | None
) -> None:
    names = {LAYER + name for name in there}
    assert lacking(architecture, names) == (missing and LAYER + missing)
