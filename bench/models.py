"""Write the models that `bench/kernels.py` and `bench/accuracy.py` compare: one in every type, and other shapes.

    python bench/models.py SmolLM2-135M-Instruct.Q4_1.gguf DIRECTORY [--shape 7B-shaped]...

The model given is quantized into every type (from whatever type it has: what counts is the speed, and what the
accelerator changes, not what the quantizing loses). Models of a shape have two layers of a larger one, whose random
weights say nothing, but take as long. Files that are there are left alone.

It needs the writer of llama.cpp's project (pip install gguf); quantizing is done by the library of the bundle in use.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coblyn.llama.library import Library, open_library
from coblyn.native import bundle

if TYPE_CHECKING:
    from gguf import GGUFWriter

# Numbers of `enum llama_ftype` (llama.h).
FILE_TYPES = {
    "F16": 1,
    "BF16": 32,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q5_0": 8,
    "Q5_1": 9,
    "Q8_0": 7,
    "Q2_K": 10,
    "Q3_K_M": 12,
    "Q4_K_M": 15,
    "Q5_K_M": 17,
    "Q6_K": 18,
    "IQ4_NL": 25,
    "IQ4_XS": 30,
}
SHAPED_TYPES = ("Q4_1", "Q4_0", "Q8_0", "Q4_K_M")
NUM_LAYERS = 2
VOCAB_SIZE = 4096
CONTEXT_LENGTH = 8192


@dataclass(frozen=True)
class Shape:
    """Sizes of a model of Llama's architecture.

    Attributes:
        width: Numbers of a token between the layers.
        hidden: Numbers of a token inside of a layer's feed-forward part.
        heads: Heads of the attention; ``width`` is divided among them.
        key_heads: Heads of keys and values.
    """

    width: int
    hidden: int
    heads: int
    key_heads: int

    def matrices(self) -> Iterator[tuple[str, int, int]]:
        """Name, outputs and inputs of each."""
        keys = self.width // self.heads * self.key_heads
        yield "token_embd", VOCAB_SIZE, self.width
        yield "output", VOCAB_SIZE, self.width
        for layer in range(NUM_LAYERS):
            for name, outputs, inputs in (
                ("attn_q", self.width, self.width),
                ("attn_k", keys, self.width),
                ("attn_v", keys, self.width),
                ("attn_output", self.width, self.width),
                ("ffn_gate", self.hidden, self.width),
                ("ffn_up", self.hidden, self.width),
                ("ffn_down", self.width, self.hidden),
            ):
                yield f"blk.{layer}.{name}", outputs, inputs

    def norms(self) -> Iterator[str]:
        """Names of the vectors that scale what goes into a part."""
        yield "output_norm"
        for layer in range(NUM_LAYERS):
            yield f"blk.{layer}.attn_norm"
            yield f"blk.{layer}.ffn_norm"


# Llama 2 7B and 13B, Llama 3 8B, Phi 3 mini.
SHAPES = {
    "7B-shaped": Shape(4096, 11008, 32, 32),
    "13B-shaped": Shape(5120, 13824, 40, 40),
    "8B-shaped": Shape(4096, 14336, 32, 8),
    "Phi-3-shaped": Shape(3072, 8192, 32, 32),
}


def write_shape(path: Path, shape: Shape) -> None:
    """A model in half precision with random weights; always the same ones."""
    import gguf

    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(NUM_LAYERS)
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_vocab_size(VOCAB_SIZE)
    add_vocabulary(writer)
    for name, outputs, inputs in shape.matrices():
        weights = random.standard_normal((outputs, inputs), dtype=np.float32) * 0.02
        writer.add_tensor(f"{name}.weight", weights.astype(np.float16))
    for name in shape.norms():
        writer.add_tensor(f"{name}.weight", np.ones(shape.width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer: GGUFWriter) -> None:
    """Bytes, and tokens without a meaning."""
    from gguf import TokenType

    special = [b"<unk>", b"<s>", b"</s>"]
    codes = [b"<0x%02X>" % byte for byte in range(256)]
    rest = [b"t%d" % i for i in range(VOCAB_SIZE - len(special) - len(codes))]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    kinds += [TokenType.BYTE] * len(codes) + [TokenType.NORMAL] * len(rest)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*special, *codes, *rest])
    writer.add_token_scores([0.0] * VOCAB_SIZE)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def quantize(library: Library, source: Path, target: Path, kind: str) -> None:
    """Write another type of a model."""
    if target.exists():
        return
    parameters = library.llama_model_quantize_default_params()
    parameters.ftype = FILE_TYPES[kind]
    parameters.allow_requantize = True
    part = target.with_suffix(".part")
    if library.llama_model_quantize(str(source).encode(), str(part).encode(), parameters) != 0:
        part.unlink(missing_ok=True)
        raise SystemExit(f"{source} cannot be quantized to {kind}.")
    part.replace(target)
    print(target, flush=True)


def main() -> None:
    """Write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--name", default="SmolLM2", help="What files of the model begin with.")
    parser.add_argument(
        "--shape", action="append", choices=SHAPES, help="May be given several times."
    )
    arguments = parser.parse_args()

    library = open_library(bundle.current().lib_dir)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for kind in FILE_TYPES:
        target = arguments.directory / f"{arguments.name} {kind}.gguf"
        quantize(library, arguments.model, target, kind)
    for name in arguments.shape or ["7B-shaped"]:
        targets = {kind: arguments.directory / f"{name} {kind}.gguf" for kind in SHAPED_TYPES}
        if all(target.exists() for target in targets.values()):
            continue
        with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
            write_shape(plain := Path(folder) / "plain.gguf", SHAPES[name])
            for kind, target in targets.items():
                quantize(library, plain, target, kind)


if __name__ == "__main__":
    main()
