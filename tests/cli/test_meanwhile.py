"""A model is fetched while the engine is built."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from coblyn.cli import build, choose, engine
from coblyn.cli.meanwhile import pulled_meanwhile
from coblyn.errors import BuildFailed, FetchError, ModelNotFound
from coblyn.models import pull as pulling
from coblyn.models.catalogue import STARTER
from coblyn.progress import Progress
from coblyn.settings import Settings


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A pull that waits until the build has begun, and tells the order of events."""
    events: list[str] = []
    built = threading.Event()

    def pull(alias: str, *, report) -> None:
        events.append(f"pull {alias}")
        assert built.wait(30), "the build waits for the pull"
        report(Progress("Fetching", 1, 1, "bytes"))
        events.append("pulled")

    def ensure_bundle() -> SimpleNamespace:
        built.set()
        return SimpleNamespace(lib_dir=Path("lib"), id="cpu-1")

    monkeypatch.setattr(pulling, "pull", pull)
    monkeypatch.setattr(build, "ensure_bundle", ensure_bundle)
    return SimpleNamespace(events=events, built=built)


def test_the_build_does_not_wait_for_the_model(steps, monkeypatch) -> None:
    def resolve(model: str | None, *, yes: bool, any_kind: bool) -> Path:
        steps.events.append("resolve")
        return Path("model.gguf")

    monkeypatch.setattr(choose, "resolve_model", resolve)
    config = engine.configure(Settings(), "smollm2", yes=True)
    assert steps.events == ["pull smollm2", "pulled", "resolve"]
    assert config.bundle == "cpu-1"
    assert Path(config.model).name == "model.gguf"


def test_a_model_that_nobody_allowed_to_fetch_is_asked_for_before_a_build(steps) -> None:
    with pytest.raises(ModelNotFound, match="nobody can be asked"):
        engine.configure(Settings(), "smollm2", yes=False)
    assert not steps.built.is_set()


def test_a_mistyped_name_is_told_before_a_build(steps) -> None:
    with pytest.raises(ModelNotFound):
        engine.configure(Settings(), "smolm", yes=True)
    assert not steps.built.is_set()


def test_a_pull_that_fails_is_told_after_the_build(monkeypatch) -> None:
    def pull(alias: str, *, report) -> None:
        raise FetchError("no network")

    monkeypatch.setattr(pulling, "pull", pull)
    done = []
    with pytest.raises(FetchError, match="no network"), pulled_meanwhile(STARTER):
        done.append("built")
    assert done == ["built"]


def test_a_build_that_fails_is_told_at_once(monkeypatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(pulling, "pull", lambda alias, *, report: never.wait(30))
    with pytest.raises(BuildFailed), pulled_meanwhile(STARTER):
        raise BuildFailed("no compiler")
    never.set()
