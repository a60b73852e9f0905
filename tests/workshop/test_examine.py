from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.errors import BadRequest, EngineError
from coblyn.llama.watch import Product
from coblyn.models.gguf import read_header
from coblyn.native.bundle import Bundle
from coblyn.progress import Progress
from coblyn.workshop.examine import compare, observe
from coblyn.workshop.importance import read_importance
from coblyn.workshop.observing import Observer
from coblyn.workshop.quantize import Recipe, plan_quantized, quantize
from coblyn.workshop.text import Excerpt
from gguf_file import F32, GgufWriter, whole_model

TEXT = "a" * 200
WIDTH = 32


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return path


def config(model: Path, bundle: Bundle) -> EngineConfig:
    return EngineConfig(str(model), str(bundle.lib_dir), kernels=False, threads=1)


def tensor(path: Path, name: str) -> NDArray[np.float32]:
    found = next(each for each in read_header(path).tensors if each.name == name)
    raw = path.read_bytes()[found.offset : found.offset + found.size]
    return np.frombuffer(raw, "<f4").reshape(found.shape[::-1])


class TestObserver:
    def test_experts_get_what_was_sent_to_them(self) -> None:
        random = np.random.default_rng(1)
        inputs = random.normal(size=(20, 2, 5)).astype(np.float32)
        experts = np.stack([random.permutation(4)[:2] for _ in range(20)]).astype(np.int32)
        observer = Observer()
        observer.take(Product("blk.0.x.weight", inputs, 4, experts))
        observer.take(Product("blk.0.y.weight", inputs[:, :1], 4, experts))
        sums = observer.sums()
        for expert in range(4):
            tokens, places = np.nonzero(experts == expert)
            assert sums["blk.0.x.weight"].counts[expert] == len(tokens)
            wanted = (inputs[tokens, places] ** 2).sum(axis=0)
            np.testing.assert_allclose(sums["blk.0.x.weight"].squares[expert], wanted, rtol=1e-5)
            wanted = (inputs[tokens, 0] ** 2).sum(axis=0)
            np.testing.assert_allclose(sums["blk.0.y.weight"].squares[expert], wanted, rtol=1e-5)

    def test_sums_go_on_from_chunk_to_chunk(self) -> None:
        observer = Observer()
        rows = np.full((1, 1, 16, 3), 2, np.float32)
        for _ in range(3):
            observer.take(Product("blk.0.x.weight", rows, 1, None))
        sums = observer.sums()["blk.0.x.weight"]
        assert sums.counts.tolist() == [48]
        assert sums.means().tolist() == [4, 4, 4]

    def test_what_is_no_number_is_refused(self) -> None:
        rows = np.full((1, 1, 16, 3), np.nan, np.float32)
        with pytest.raises(EngineError, match=r"not a number at blk\.3"):
            Observer().take(Product("blk.3.x.weight", rows, 1, None))

    def test_only_matrices_of_layers_are_wanted(self) -> None:
        observer = Observer()
        assert observer.wants("blk.0.attn_q.weight", 16)
        assert not observer.wants("blk.0.attn_q.weight", 15)
        assert not observer.wants("output.weight", 512)
        assert not observer.wants("cache_k_l0", 512)
        assert Observer(with_output=True).wants("output.weight", 512)


@pytest.mark.native
class TestObserve:
    def test_the_sums_are_those_of_the_inputs(
        self, tmp_path: Path, text: Path, bundle: Bundle
    ) -> None:
        model = whole_model(experts=0).write(tmp_path / "a.gguf")
        target = tmp_path / "a.imatrix.gguf"
        observed = observe(model, Excerpt(text, 64), target, config(model, bundle))
        found = read_importance(target)
        assert (observed.num_chunks, found.num_chunks, found.chunk_size) == (3, 3, 64)
        assert observed.num_tensors == 7
        # Three times the token of a beginning, a space, and the rest is "a": the inputs of the first layer follow.
        embeddings = tensor(model, "token_embd.weight")
        norm = tensor(model, "blk.0.attn_norm.weight")
        times = {1: 3, 259: 1, 260: 3 * 64 - 4}
        squares = sum(
            count * _normal(embeddings[token], norm) ** 2 for token, count in times.items()
        )
        for name in ("attn_q", "attn_k", "attn_v"):
            sums = found.sums[f"blk.0.{name}.weight"]
            assert sums.counts.tolist() == [192]
            np.testing.assert_allclose(sums.squares[0], squares, rtol=1e-3)

    def test_every_token_is_counted_once_for_each_expert_that_it_uses(
        self, tmp_path: Path, text: Path, bundle: Bundle
    ) -> None:
        model = expert_model().write(tmp_path / "a.gguf")
        target = tmp_path / "a.imatrix.gguf"
        observe(model, Excerpt(text, 64), target, config(model, bundle))
        sums = read_importance(target).sums
        assert sums["blk.0.ffn_up_exps.weight"].counts.shape == (4,)
        assert sums["blk.0.ffn_up_exps.weight"].counts.sum() == 2 * 192
        # The router reads the same numbers as the experts, and each token goes to two of these.
        router, experts = sums["blk.0.ffn_gate_inp.weight"], sums["blk.0.ffn_up_exps.weight"]
        np.testing.assert_allclose(experts.squares.sum(axis=0), 2 * router.squares[0], rtol=1e-4)

    def test_a_text_that_says_nothing_is_refused(self, tmp_path: Path, bundle: Bundle) -> None:
        model = whole_model().write(tmp_path / "a.gguf")
        target, text = tmp_path / "a.imatrix.gguf", tmp_path / "short.txt"
        with pytest.raises(BadRequest, match="no text"):
            observe(model, Excerpt(text), target, config(model, bundle))
        text.write_text("short", "utf-8")
        with pytest.raises(BadRequest, match="at least 32"):
            observe(model, Excerpt(text), target, config(model, bundle))
        assert not target.exists()


@pytest.mark.native
def test_a_quantized_model_is_compared_with_its_source(
    tmp_path: Path, text: Path, bundle: Bundle
) -> None:
    model = expert_model().write(tmp_path / "a.gguf")
    recipe = Recipe("Q4_0")
    plan = plan_quantized(model, recipe, bundle.lib_dir)
    small = quantize(plan, recipe, tmp_path / "b.gguf", bundle.lib_dir)
    seen: list[Progress] = []
    found = compare(model, small, Excerpt(text, 64), config(model, bundle), report=seen.append)
    assert found.quality.num_tokens == 3 * 31
    assert 1e-4 < found.quality.divergence < found.quality.max_divergence < 5
    assert 0 < found.quality.same_choice <= 1
    assert found.quality.ratio == pytest.approx(
        found.quality.other_perplexity / found.quality.perplexity
    )
    assert found.sizes[1] < found.sizes[0]
    assert min(*found.read_speeds, *found.write_speeds) > 0
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (3, 3, "chunks")


def _normal(row: NDArray[np.float32], norm: NDArray[np.float32]) -> NDArray[np.float32]:
    return row / np.sqrt((row**2).mean() + 1e-5) * norm


def expert_model() -> GgufWriter:
    """A llama of one layer with four experts, of which a token uses two."""
    tokens = 261
    random = np.random.default_rng(2)
    shapes = {
        "token_embd": (tokens, WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate_inp": (4, WIDTH),
        "blk.0.ffn_gate_exps": (4, 64, WIDTH),
        "blk.0.ffn_up_exps": (4, 64, WIDTH),
        "blk.0.ffn_down_exps": (4, WIDTH, 64),
    }
    tensors = [
        (f"{name}.weight", shape[::-1], F32, random.normal(0, 0.3, shape).astype("<f4").tobytes())
        for name, shape in shapes.items()
    ]
    return whole_model(experts=4, llama__expert_used_count=2, tensors=tensors)
