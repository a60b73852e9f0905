from __future__ import annotations

import pytest

from coblyn import paths
from coblyn.errors import BadRequest, ModelBroken, ModelNotFound
from coblyn.models import created
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile

MARIO = Modelfile(
    "smollm2",
    {"temperature": 0.5, "stop": ("a", "b")},
    "You are Mario.",
    messages=(("user", "Who?"), ("assistant", "Mario!")),
)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Mario", "mario:latest"),
        ("mario:8b-Q4_K", "mario:8b-q4_k"),
        ("me/mario", "me/mario:latest"),
        ("example.org/me/mario:1", "example.org/me/mario:1"),
    ],
)
def test_names(text: str, whole: str) -> None:
    assert str(Name.of(text)) == whole


@pytest.mark.parametrize(
    "text", ["", "..", "../x", "a/../b", "a b", "/a", "a:", "a:b:c", "a/b/c/d", "x" * 300, "a\\b"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="not a valid model name"):
        Name.of(text)


def test_what_is_kept_is_found_listed_and_removed() -> None:
    name = Name.of("me/Mario:2")
    assert created.find(name) is None
    created.save(Name.of("luigi"), MARIO)
    created.save(name, MARIO)
    found = created.find(Name.of("ME/mario:2"))
    assert found is not None
    assert found.modelfile == MARIO
    assert [str(each.name) for each in created.installed()] == ["luigi:latest", "me/mario:2"]
    created.remove(name)
    assert created.find(name) is None
    with pytest.raises(ModelNotFound, match="no model me/mario:2"):
        created.remove(name)


def test_a_damaged_file_is_named_and_not_listed() -> None:
    created.save(Name.of("mario"), MARIO)
    path = paths.models() / "created" / "library" / "mario" / "latest.json"
    path.write_text('{"base": "x"}')
    assert created.installed() == ()
    with pytest.raises(ModelBroken, match=r"latest\.json does not describe a model"):
        created.find(Name.of("mario"))
