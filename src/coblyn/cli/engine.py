"""Makes an engine's configuration from the settings: finds the model, and finds or builds the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threading import Event

    from coblyn.engine.config import EngineConfig
    from coblyn.progress import Report
    from coblyn.settings import EngineSettings, Settings

__all__ = [
    "NOTHING",
    "NO_BUNDLE",
    "causes_named",
    "configure",
    "fitted_aloud",
    "with_engine",
    "with_own_settings",
]

NOTHING: Mapping[str, Any] = {}

NO_BUNDLE = "none"
"""Placeholder for a bundle that is found or built when a model is loaded."""


def configure(
    settings: Settings,
    model: str | None,
    *,
    yes: bool,
    any_kind: bool = False,
    declared: Mapping[str, Any] = NOTHING,
) -> EngineConfig:
    """Find the model and the bundle; download and build what is missing.

    ``any_kind`` allows embedding models and rerankers too; ``declared`` has settings for this model.

    The model is checked first, so that a mistyped name is reported before a build. A model that may be downloaded
    without asking is downloaded while the engine is built.

    Raises:
        CoblynError: One of them is not available.
    """
    from coblyn.cli.build import ensure_bundle
    from coblyn.cli.choose import missing_model, resolve_model, said_yes
    from coblyn.engine.config import EngineConfig
    from coblyn.models.check import writes
    from coblyn.models.gguf import read_header
    from coblyn.models.overrides import corrected

    missing = missing_model(model) if said_yes(yes=yes) else None
    if missing is None:
        path = resolve_model(model, yes=yes, any_kind=any_kind)
        _check_files(settings, path)
        bundle = ensure_bundle()
    else:
        from coblyn.cli.meanwhile import pulled_meanwhile

        with pulled_meanwhile(missing):
            bundle = ensure_bundle()
        path = resolve_model(model, yes=yes, any_kind=any_kind)
        _check_files(settings, path)
    if settings.draft_model:
        guesser = resolve_model(settings.draft_model, yes=yes)
        settings = replace(settings, draft_model=str(guesser))
    config = EngineConfig.from_settings(
        settings,
        model=path,
        library=bundle.lib_dir,
        bundle=bundle.id,
        embeds=any_kind and not writes(corrected(read_header(path))),
    )
    return with_own_settings(config, declared=declared)


def with_own_settings(
    config: EngineConfig,
    general: EngineConfig | None = None,
    declared: Mapping[str, Any] = NOTHING,
) -> EngineConfig:
    """A configuration with what the user set for its model alone; flags of the command line hold for all models.

    Args:
        config: What is set in general.
        general: The configuration of the model that the command line names, if this is another one.
        declared: Settings of another program's file for this model, which take precedence over the user's.

    Raises:
        CoblynError: What is set cannot be, or an adapter does not fit the model.
    """
    from coblyn.models.names import names_of
    from coblyn.settings.own import OF_ONE_MODEL, own_settings

    is_other = general is not None and general.model != config.model
    flags = config.flags - (OF_ONE_MODEL if is_other else frozenset())
    path = Path(config.model)
    settings = {**own_settings(names_of(path)), **declared}
    own = {name: each for name, each in settings.items() if name not in flags}
    if not own:
        return config
    found = replace(config, **own, chosen=config.chosen | own.keys())
    _check_files(found, path)
    return found


def with_engine(config: EngineConfig, report: Report) -> EngineConfig:
    """A configuration with a native engine, which is built if there is none. The scripted engine needs none.

    Raises:
        CoblynError: It cannot be built.
    """
    from coblyn.cli.build import ensure_bundle

    if config.bundle != NO_BUNDLE:
        return config
    bundle = ensure_bundle(report)
    return replace(config, library=str(bundle.lib_dir), bundle=bundle.id)


def _check_files(settings: EngineSettings, model: Path) -> None:
    """Refuse a chat template that cannot be read and adapters that do not fit, before anything is built or loaded.

    Raises:
        CoblynError: One of the files is wrong.
    """
    from coblyn.settings.template import read_template

    read_template(settings.chat_template)
    texts = (*settings.adapters, *settings.control_vectors)
    if not texts:
        return
    from coblyn.models.adapter import AdapterSpec, check_adapter
    from coblyn.models.gguf import read_header

    header = read_header(model)
    for text in texts:
        check_adapter(AdapterSpec.of(text).path, header)


def fitted_aloud(
    config: EngineConfig, promised: int = 0, ended: Event | None = None
) -> EngineConfig:
    """A configuration that fits in memory; reports on stderr what had to be given up.

    Args:
        config: The requested configuration.
        promised: Bytes of free main memory that other engines will still take.
        ended: Set when it is no longer wanted.

    Raises:
        Cancelled: It is no longer wanted.
        ModelTooLarge: Nothing fits with the user's settings.
    """
    import sys

    from coblyn.cli.text import shown
    from coblyn.fit.fitting import fitted

    found = fitted(config, promised, ended)
    if found.told:
        print(shown(f"note: {found.told}"), file=sys.stderr)
    return found.config


@contextmanager
def causes_named(config: EngineConfig) -> Iterator[None]:
    """If loading a model fails, search for faults that take time to find, and report these instead.

    Raises:
        CoblynError: The most specific known error.
    """
    from coblyn.errors import EngineError, ModelError
    from coblyn.models.check import examine_model

    try:
        yield
    except (EngineError, ModelError):
        if config.model:
            examine_model(Path(config.model))
        raise
