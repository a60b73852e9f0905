"""Threads of a context's own, in builds without OpenMP."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.llama import threads
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.devices import cpu_features
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native


@pytest.fixture
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


def test_only_where_openmp_has_none(library: Library) -> None:
    assert threads.own_threads(library, 1) is None
    found = threads.own_threads(library, 2)
    assert (found is None) == ("OPENMP" in cpu_features(library))
    if found:
        found.close()


def test_a_context_computes_with_them_and_frees_them(
    library: Library, starter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(context: Context) -> list[float]:
        batch = Batch(1)
        batch.put(0, 3, 0, 0, output=True)
        context.decode(batch, 1)
        return [float(each) for each in context.logits(0)]

    options = ContextOptions(256, 32, 1, 2)
    with Model(library, starter_model) as model:
        with Context(model, options) as context:
            expected = first(context)
        monkeypatch.setattr(threads, "cpu_features", lambda _: ())
        with Context(model, options) as context:
            pool = context._threads
            assert pool
            assert pool.pointer
            assert first(context) == expected
        assert pool.pointer is None
