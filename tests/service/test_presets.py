from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.engine.params import PARAMETERS, SamplingParams
from coblyn.errors import BadRequest, SettingsError
from coblyn.service.presets import Presets, check_values, shipped


def own(tmp_path: Path, text: str) -> Presets:
    file = tmp_path / "presets.toml"
    file.write_text(text)
    return Presets.load(file)


def test_every_shipped_preset_says_something_about_every_sampler() -> None:
    names = {row.names[0] for row in PARAMETERS.values()} - {"max_candidates"}
    assert len(shipped()) == 14
    for preset in shipped():
        assert set(preset.values) == names | {"sampler_order"}
        check_values(preset.values, preset.name)


def test_the_values_are_those_of_koboldai_lite() -> None:
    balanced = Presets().find("simple balanced").values
    assert (balanced["temperature"], balanced["top_k"], balanced["top_p"]) == (0.75, 100, 0.92)
    assert (balanced["rep_pen"], balanced["rep_pen_range"], balanced["rep_pen_slope"]) == (
        1.05,
        360,
        0.7,
    )
    assert balanced["sampler_order"] == [6, 0, 1, 3, 4, 2, 5]
    immortal = Presets().find("Immortal").values
    assert (immortal["typical"], immortal["nsigma"], immortal["tfs"]) == (0.19, 1.75, 0.97)
    assert immortal["sampler_order"] == [6, 5, 4, 3, 2, 1, 0]


def test_the_neutral_one_samples_as_no_sampler_does() -> None:
    values = Presets().find("Neutral (Disabled)").values
    changed = {
        name
        for name, row in PARAMETERS.items()
        if row.names[0] in values and not row.is_off(values[row.names[0]]) and row.off is not None
    }
    assert changed == {"top_k"}
    assert values["temperature"] == SamplingParams().temperature


def test_a_user_has_presets_of_a_file(tmp_path: Path) -> None:
    presets = own(tmp_path, '["My own"]\ntemperature = 0.4\n["IMMORTAL"]\nmin_p = 0.2\n')
    assert presets.find("my OWN").values == {"temperature": 0.4}
    assert presets.find("immortal").values == {"min_p": 0.2}
    assert [preset.is_own for preset in presets.all()].count(True) == 2
    assert len(presets.all()) == 15


def test_without_a_file_there_are_those_shipped(tmp_path: Path) -> None:
    assert Presets.load(tmp_path / "none.toml").all() == list(shipped())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('["A"]\ntemperatur = 1\n', "temperature?"),
        ('["A"]\ntemperature = "hot"\n', "temperature must be a number"),
        ('["A"]\nmin_p = 7\n', "min_p must be between 0 and 1"),
        ('["A"]\ntop_k = 1.5\n', "top_k must be an integer"),
        ('["A"]\nsampler_order = [9]\n', "sampler_order"),
        ('["A"]\nsampler_order = 6\n', "sampler_order must be a list"),
        ("A = 1\n", "is not a table"),
        ("[A\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_name(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        own(tmp_path, text)
    assert named in f"{refusal.value.message} {refusal.value.hint}"
    assert "presets.toml" in refusal.value.message


def test_a_name_that_is_none_brings_one_like_it() -> None:
    with pytest.raises(BadRequest, match="no preset 'Imortal'") as refusal:
        Presets().find("Imortal")
    assert "'Immortal'" in refusal.value.hint
    assert refusal.value.field == "preset"
