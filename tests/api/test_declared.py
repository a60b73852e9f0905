"""Models that a settings file declares: names for files, each with defaults of requests, in every dialect."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.interface import EngineStatus
from coblyn.errors import ModelBroken
from coblyn.models.adapter import AdapterSpec
from coblyn.models.declared import Declared, DeclaredModels
from coblyn.models.setup import Setup
from coblyn.progress import Report
from factories import SteppedEngine, wait_for
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]

TALK = [{"role": "user", "content": "a"}]


class WatchedLoader(FakeLoader):
    """Keeps the engines that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.engines: list[FileEngine] = []
        self.setups: list[Setup] = []

    async def load(self, setup: Setup) -> FileEngine:
        self.setups.append(setup)
        engine = await super().load(setup)
        assert isinstance(engine, FileEngine)
        self.engines.append(engine)
        return engine


@pytest.fixture
def loader() -> WatchedLoader:
    return WatchedLoader()


@pytest.fixture
def first(files: Path) -> FileEngine:
    engine = FileEngine(files / "first.gguf")
    engine.allow()
    return engine


@pytest.fixture
def client(files: Path, loader: WatchedLoader, first: FileEngine) -> Client:
    declared = DeclaredModels(
        [
            Declared("plain", files / "first.gguf", defaults={"temperature": 0.125}),
            Declared("Warm", files / "second.gguf", ("hot",), {"temperature": 1.5}),
            Declared("cold", files / "second.gguf", (), {"temperature": 0.5}),
        ]
    )
    return Client(create_app(first, loader=loader, declared=declared))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat"])
@pytest.mark.parametrize(
    ("name", "temperature"), [("warm", 1.5), ("HOT", 1.5), ("cold:latest", 0.5)]
)
async def test_a_name_loads_its_file_and_has_its_defaults(
    client: Client, loader: WatchedLoader, path: str, name: str, temperature: float
) -> None:
    body = {"model": name, "messages": TALK, "max_tokens": 2, "stream": False}
    assert (await client.post(path, body)).status == 200
    (engine,) = loader.engines
    assert engine.requests[-1].sampling.temperature == temperature
    assert loader.log == ["load second"]
    own = {"options": {"temperature": 0.25}} if path == "/api/chat" else {"temperature": 0.25}
    await client.post(path, {**body, **own})
    assert engine.requests[-1].sampling.temperature == 0.25


async def test_names_of_one_file_share_its_engine(client: Client, loader: WatchedLoader) -> None:
    for name in ("warm", "cold"):
        await client.post("/v1/completions", {"model": name, "prompt": "a", "max_tokens": 1})
    assert loader.log == ["load second"]


async def test_names_of_one_file_with_other_settings_have_their_own_engines(
    files: Path, loader: WatchedLoader, first: FileEngine
) -> None:
    wide = Declared("wide", files / "first.gguf", defaults={"top_k": 3}, settings={"context": 99})
    narrow = Declared("narrow", files / "first.gguf", settings={"context": 9})
    same = Declared("same", files / "first.gguf", settings={"context": 9})
    named = Declared("first", files / "first.gguf", settings={"context": 5})
    declared = DeclaredModels([wide, narrow, same, named], first=wide)
    client = Client(create_app(first, loader=loader, declared=declared))

    async def answers_as(name: str) -> str:
        body = {"model": name, "prompt": "a", "max_tokens": 1}
        answer = await client.post("/v1/completions", body)
        assert answer.status == 200
        return str(answer.json["model"])

    assert [await answers_as(name) for name in ("wide", "narrow", "same", "first", "wide")] == [
        "wide",
        "narrow",
        "narrow",
        "first",
        "wide",
    ]
    assert [setup.own for setup in loader.setups] == [{"context": 9}, {"context": 5}]
    assert [len(engine.requests) for engine in (first, *loader.engines)] == [2, 2, 1]
    await client.post("/v1/completions", {"prompt": "a", "max_tokens": 1})
    assert first.requests[-1].sampling.top_k == 3
    listed = [m["id"] for m in (await client.get("/v1/models")).json["data"]]
    assert sorted(listed) == ["first", "narrow", "same", "second", "third", "wide"]


async def test_the_first_model_has_its_defaults_without_a_name(
    client: Client, first: SteppedEngine
) -> None:
    await client.post("/v1/chat/completions", {"messages": TALK, "max_tokens": 1})
    assert first.requests[-1].sampling.temperature == 0.125


async def test_they_are_listed(client: Client) -> None:
    listed = {m["id"]: m.get("status") for m in (await client.get("/v1/models")).json["data"]}
    unloaded = {"value": "unloaded"}
    assert listed["plain"] == {"value": "loaded"}
    assert (listed["Warm"], listed["cold"]) == (unloaded, unloaded)
    tags = [each["name"] for each in (await client.get("/api/tags")).json["models"]]
    assert {"plain:latest", "Warm:latest", "cold:latest"} <= set(tags)
    shown = (await client.post("/api/show", {"model": "warm"})).json
    assert "temperature" in shown["parameters"]


@pytest.mark.parametrize("version", [{}, {"anthropic_version": "2023-06-01"}])
async def test_queries_take_the_names_that_generations_take(
    client: Client, version: dict[str, str]
) -> None:
    for name, own in (("HOT", "Warm"), ("koboldcpp/warm", "Warm"), ("Second", "second")):
        written = await client.post(
            "/v1/completions", {"model": name, "prompt": "a", "max_tokens": 1}
        )
        assert written.status == 200
        model = await client.get(f"/v1/models/{name}", **version)
        assert (model.status, model.json["id"]) == (200, own)
        assert (await client.post("/api/show", {"model": name})).status == 200
    listed = (await client.get("/v1/models", **version)).json["data"]
    assert {"first", "second", "third", "plain", "Warm", "cold"} == {m["id"] for m in listed}
    missing = await client.get("/v1/models/warmer", **version)
    assert missing.status == 404
    assert "There is no model 'warmer' here." in missing.body.decode()


async def test_other_names_of_what_is_not_loaded(client: Client, loader: WatchedLoader) -> None:
    poet = AdapterSpec("poet", Path("/x/poet.gguf"))
    loader.known_adapters = {"second": (poet, AdapterSpec("old", Path("/x/old.gguf")))}
    for name in ("second+poet", "hot+poet", "HOT+Old+poet:latest"):
        shown = (await client.post("/api/show", {"model": name})).json
        assert "ADAPTER /x/poet.gguf" in shown["modelfile"], shown
        assert (await client.get(f"/v1/models/{name}")).status == 200
    assert (await client.get("/v1/models/hot+poet")).json["id"] == "Warm+poet"
    for name in ("hot+none", "third+poet", "nobody+poet"):
        assert (await client.post("/api/show", {"model": name})).status == 404
    assert loader.log == []


class ReloadedEngine(FileEngine):
    """An engine whose file an administrator replaces."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.coming = ""
        self.is_empty = False

    def status(self) -> EngineStatus:
        if self.is_empty:
            return EngineStatus("unloaded", 0, 0, loaded=0.5, coming=self.coming)
        if not self.coming:
            return super().status()
        return EngineStatus("loading", 0, 0, loaded=0.5, coming=self.coming)

    def load(self, path: Path) -> None:
        """Have another file, as ``EngineExchange`` has after it was awaited."""
        self.coming, self.is_empty = "", False
        self._path, self._name = path, path.stem


async def names_told(client: Client) -> list[str]:
    """The model's name, wherever a query gives it."""
    ready = (await client.get("/ready")).json["models"]
    return [
        (await client.get("/health?quiet=1")).json["model"],
        *ready,
        (await client.get("/api/v1/model")).json["result"].removeprefix("koboldcpp/"),
        (await client.get("/props")).json["model_alias"],
    ]


async def test_the_first_has_its_name_while_another_file_is_loaded_and_after_it(
    files: Path,
) -> None:
    engine = ReloadedEngine(files / "first.gguf")
    declared = Declared("mine", files / "first.gguf")
    client = Client(create_app(engine, declared=DeclaredModels([declared], declared)))
    assert await names_told(client) == ["mine"] * 4
    listed = [each["id"] for each in (await client.get("/v1/models")).json["data"]]
    assert listed == ["mine"]
    engine.coming = str(files / "first.gguf")  # it wakes, or is loaded with other settings
    assert await names_told(client) == ["mine"] * 4
    engine.coming = str(files / "second.gguf")
    assert await names_told(client) == ["second"] * 4
    engine.load(files / "second.gguf")
    assert await names_told(client) == ["second"] * 4
    engine.coming = str(files / "first.gguf")
    assert await names_told(client) == ["mine"] * 4
    engine.load(files / "first.gguf")
    assert await names_told(client) == ["mine"] * 4


class Files:
    """Loads files for an administrator, and models that are chosen, when it may go on."""

    def __init__(self, engine: ReloadedEngine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.first = Path(engine.info.path)
        self.loaded = 0.5
        self.may_go_on = asyncio.Event()
        self.problem: Exception | None = None

    def options(self) -> list[str]:
        return ["second.gguf"]

    async def load(self, name: str | Setup, base: str | Report = "") -> None:
        """As ``Admin.load`` and as ``Switch.load``."""
        if name == "unload_model":
            return
        path = name.path if isinstance(name, Setup) else self.folder / name
        if name == "initial_model":
            path = self.first
        self.engine.coming = str(path)
        await self.may_go_on.wait()
        self.engine.coming = ""
        if self.problem:
            raise self.problem
        self.engine.load(path)

    async def unload(self) -> None:
        """As ``Switch.unload``; nobody asks for it here."""


class Office:
    """A server whose models are chosen, and loaded by an administrator."""

    def __init__(self, folder: Path, declared: DeclaredModels) -> None:
        self.engine = ReloadedEngine(folder / "first.gguf")
        self.files = Files(self.engine, folder)
        self.app = create_app(self.engine, admin=self.files, switch=self.files, declared=declared)
        self.client = Client(self.app)

    async def names(self, path: str, body: dict[str, str]) -> tuple[set[str], set[str]]:
        """The names that are told while a model is loaded by that request, and after it."""
        self.files.may_go_on.clear()
        asking = asyncio.create_task(self.client.post(path, body))
        await wait_for(lambda: self.engine.coming != "")
        during = set(await names_told(self.client))
        self.files.may_go_on.set()
        assert (await asking).status in {200, 202}
        while (await self.client.get("/api/coblyn/models/work")).json["work"]:  # noqa: ASYNC110 - as clients do
            await asyncio.sleep(0.001)
        return during, set(await names_told(self.client))

    async def choose(self, name: str) -> tuple[set[str], set[str]]:
        return await self.names("/api/coblyn/models/load", {"name": name})

    async def reload(self, name: str) -> tuple[set[str], set[str]]:
        return await self.names("/api/admin/reload_config", {"filename": name})


async def test_what_was_chosen_counts_until_another_is_loaded(files: Path) -> None:
    wide = Declared("wide", files / "second.gguf", settings={"context": 77})
    office = Office(files, DeclaredModels([wide]))
    await office.choose("wide")
    await office.choose("first")
    assert await office.reload("second.gguf") == ({"second"}, {"second"})
    await office.choose("wide")
    assert await office.reload("second.gguf") == ({"second"}, {"second"})
    await office.choose("wide")
    await office.reload("first.gguf")
    assert await office.reload("second.gguf") == ({"second"}, {"second"})


async def test_what_was_chosen_counts_while_no_other_is_loaded(files: Path) -> None:
    wide = Declared("wide", files / "second.gguf", settings={"context": 77})
    office = Office(files, DeclaredModels([wide]))
    await office.choose("wide")
    office.files.problem = ModelBroken("It is broken.")
    assert await office.reload("second.gguf") == ({"second"}, {"wide"})
    unloading = {"filename": "unload_model"}
    assert (await office.client.post("/api/admin/reload_config", unloading)).json["success"]
    office.engine.coming = str(files / "second.gguf")  # it wakes
    assert set(await names_told(office.client)) == {"wide"}


async def test_the_initial_model_has_its_name_again(files: Path) -> None:
    wide = Declared("wide", files / "first.gguf", settings={"context": 99})
    office = Office(files, DeclaredModels([wide], wide))
    assert await office.reload("second.gguf") == ({"second"}, {"second"})
    assert await office.reload("initial_model") == ({"wide"}, {"wide"})
    assert await office.reload("first.gguf") == (
        {"first"},
        {"first"},
    )  # it has the server's context
    assert await office.reload("initial_model") == ({"wide"}, {"wide"})


async def test_a_chosen_model_has_its_name_while_it_is_loaded(files: Path) -> None:
    wide = Declared("wide", files / "second.gguf", settings={"context": 77})
    narrow = Declared("narrow", files / "second.gguf", settings={"context": 7})
    office = Office(files, DeclaredModels([wide, narrow]))
    for name in ("wide", "narrow", "second", "narrow", "first", "wide"):
        assert await office.choose(name) == ({name}, {name})


async def test_a_model_has_its_name_while_it_is_loaded_where_none_was(files: Path) -> None:
    wide = Declared("wide", files / "second.gguf", settings={"context": 77})
    office = Office(files, DeclaredModels([wide]))
    for name in ("wide", "first"):
        office.engine.is_empty = True
        assert (await office.client.get("/api/v1/model")).json == {"result": "inactive"}
        assert await office.choose(name) == ({name}, {name})
    office.engine.is_empty, office.engine.coming = True, str(files / "second.gguf")
    health = (await office.client.get("/health?quiet=1")).json
    assert (health["status"], health["model"], health["loaded"]) == ("loading", "second", 0.5)
    assert (await office.client.get("/ready")).json["models"] == {"second": "loading"}
