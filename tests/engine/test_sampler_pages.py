"""The pages of the samplers: one for each, with names that requests know and pictures that are there."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from coblyn.engine.params import PARAMETERS, SamplingParams
from coblyn.engine.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "docs" / "samplers"
PAGES = sorted(DIRECTORY.glob("*.md"))
NAMES = {name for row in PARAMETERS.values() for name in (*row.names, *row.openai)}
NAMES |= {name for name in SamplingParams.__dataclass_fields__ if name not in PARAMETERS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_parameter_of_a_sampler_is_on_a_page() -> None:
    rows = [
        line
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named <= NAMES
    for stage in STAGES.values():
        for parameter in stage.parameters:
            row = PARAMETERS[parameter]
            assert named & {*row.names, *row.openai}, parameter


def test_all_pages_are_listed() -> None:
    listed = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in listed


def test_every_picture_is_shown_and_sound() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = sorted(DIRECTORY.glob("*.svg"))
    assert pictures
    for picture in pictures:
        assert f"({picture.name})" in shown
        assert ET.parse(picture).getroot().tag.endswith("svg")
