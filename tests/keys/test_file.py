"""Keys in the settings file: the user's own lines stay, and a running server sees changes."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from coblyn.errors import NotFound, SettingsError
from coblyn.keys.file import KeysOnDisk, add, remove
from coblyn.keys.key import ApiKey, find, hash_of, new_secret
from coblyn.settings import Settings


def make_key(name: str, secret: str, **values: object) -> ApiKey:
    return ApiKey(name=name, hash=hash_of(secret.encode()), **values)  # type: ignore[arg-type]


def test_a_key_is_added_beside_what_the_user_wrote(tmp_path: Path) -> None:
    path = tmp_path / "new" / "coblyn.toml"
    add(path, make_key("phone", "a"))
    path.write_text(f"# mine\nport = 7  # seven\n\n{path.read_text()}")
    add(path, make_key("tablet", "b", scope="admin", tokens_per_minute=9))
    text = path.read_text()
    assert "# mine\nport = 7  # seven\n" in text
    assert text.count("[[keys]]") == 2
    settings = Settings.load(path)
    assert settings.port == 7
    assert settings.keys == (
        make_key("phone", "a"),
        make_key("tablet", "b", scope="admin", tokens_per_minute=9),
    )
    with pytest.raises(SettingsError, match="a key phone already"):
        add(path, make_key("phone", "c"))
    remove(path, "phone")
    assert [key.name for key in Settings.load(path).keys] == ["tablet"]
    remove(path, "tablet")
    assert "keys" not in path.read_text()
    assert Settings.load(path).port == 7
    with pytest.raises(NotFound, match="no key tablet"):
        remove(path, "tablet")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "coblyn.toml"
    add(path, make_key("phone", "a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "coblyn.toml"
    path.write_text("port = = 1")
    with pytest.raises(SettingsError, match="cannot be read"):
        add(path, make_key("phone", "a"))
    assert path.read_text() == "port = = 1"
    assert [each.name for each in tmp_path.iterdir()] == ["coblyn.toml"]


@pytest.mark.parametrize(
    "line",
    [
        'name = "a b"\nhash = "sha256:%s"' % ("0" * 64),
        'name = "a"\nhash = "secret"',
        'name = "a"\nhash = "sha256:%s"\nscope = "root"' % ("0" * 64),
        'name = "a"\nhash = "sha256:%s"\nmax_running = -1' % ("0" * 64),
        'name = "a"',
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "coblyn.toml"
    path.write_text(f"[[keys]]\n{line}\n")
    with pytest.raises(SettingsError, match="sets keys to"):
        Settings.load(path)


def test_keys_are_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path, now = tmp_path / "coblyn.toml", [0.0]
    add(path, make_key("phone", "a"))
    keys = KeysOnDisk(path, lambda: Settings.load(path).keys, lambda: now[0])
    assert [key.name for key in keys()] == ["phone"]
    add(path, make_key("tablet", "b"))
    now[0] = 1.0
    assert [key.name for key in keys()] == ["phone", "tablet"]
    path.write_text("port = = 1")
    now[0] = 2.0
    assert [key.name for key in keys()] == ["phone", "tablet"]
    path.unlink()
    path.write_text("")
    now[0] = 3.0
    assert keys() == ()


def test_a_secret_finds_its_key() -> None:
    secrets = [new_secret() for _ in range(3)]
    keys = [make_key(f"k{i}", secret) for i, secret in enumerate(secrets)]
    assert len(set(secrets)) == 3
    for key, secret in zip(keys, secrets, strict=True):
        assert find(keys, secret.encode()) is key
        assert secret not in repr(key)
    assert find(keys, b"") is None
    assert find(keys, keys[0].hash.encode()) is None
