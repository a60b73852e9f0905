"""A chat template in place of the model's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.errors import SettingsError
from coblyn.settings.template import read_template


def test_a_file_or_the_text_itself(tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("\ufeffé {{ messages }}", "utf-8")
    assert read_template(str(file)) == "é {{ messages }}"
    assert read_template("{% if a %}b{% endif %}") == "{% if a %}b{% endif %}"
    assert read_template("") == ""


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * (1 << 20) + b"x"])
def test_what_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"mine\.jinja cannot be read"):
        read_template(str(file))


def test_the_home_of_nobody_is_named() -> None:
    with pytest.raises(SettingsError, match="~nobody-of-that-name/a cannot be read"):
        read_template("~nobody-of-that-name/a")


def test_it_is_that_of_one_model(tmp_path: Path) -> None:
    config = EngineConfig("a.gguf", chat_template="mine.jinja")
    assert config.for_model(Path("b.gguf")).chat_template == ""
    assert config.for_model(Path("a.gguf")).chat_template == "mine.jinja"
