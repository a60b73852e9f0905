from __future__ import annotations

from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from factories import SteppedEngine


@pytest.fixture
async def engine() -> SteppedEngine:
    """An engine that makes as much as it is asked for."""
    engine = SteppedEngine()
    engine.allow()
    return engine


@pytest.fixture
async def stepped() -> SteppedEngine:
    """An engine that makes only what a test allows."""
    return SteppedEngine()


@pytest.fixture
def client(engine: SteppedEngine, tmp_path: Path) -> Client:
    return Client(create_app(engine, ApiOptions(web=tmp_path / "none")))


@pytest.fixture
def stepped_client(stepped: SteppedEngine) -> Client:
    return Client(create_app(stepped))
