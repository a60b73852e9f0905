"""Draw what each sampler does to a real distribution: ``docs/samplers/*.svg``.

``python scripts/plot_samplers.py MODEL`` with the starter model; it needs the engine. The pages beside the pictures
say in words what can be seen, so look at them after a change.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from coblyn.cli.engine import configure
from coblyn.engine.insight import Insight
from coblyn.engine.params import SamplingParams
from coblyn.engine.stage_view import StageView
from coblyn.settings import Settings

PAGES = Path(__file__).resolve().parents[1] / "docs" / "samplers"

OPEN = "Once upon a time there was a young"
SURE = "The capital of France is"
SAD = "This is a sad story about someone lonely. Once upon a time there was a young"
AGAIN = "Row, row, row your boat, gently down the stream. Row, row, row your"


class Plot(NamedTuple):
    """A picture: what is sampled, and with which numbers."""

    prompt: str
    values: Mapping[str, Any]
    negative: str = ""


PLOTS = {
    "temperature": Plot(OPEN, {"temperature": 0.6}),
    "temperature-high": Plot(OPEN, {"temperature": 1.6}),
    "dynamic-temperature": Plot(OPEN, {"dynatemp_range": 0.7}),
    "dynamic-temperature-sure": Plot(SURE, {"dynatemp_range": 0.7}),
    "smoothing": Plot(OPEN, {"smoothing_factor": 0.3}),
    "top-k": Plot(OPEN, {"top_k": 5}),
    "top-p": Plot(OPEN, {"top_p": 0.7}),
    "min-p": Plot(OPEN, {"min_p": 0.05}),
    "min-p-sure": Plot(SURE, {"min_p": 0.05}),
    "top-a": Plot(OPEN, {"top_a": 0.15}),
    "tail-free": Plot(OPEN, {"tail_free": 0.9}),
    "typical": Plot(OPEN, {"typical_p": 0.4}),
    "top-n-sigma": Plot(OPEN, {"top_n_sigma": 1.0}),
    "xtc": Plot(OPEN, {"xtc_threshold": 0.1, "xtc_probability": 1.0}),
    "penalties": Plot(AGAIN, {"repetition_penalty": 1.3}),
    "dry": Plot(AGAIN, {"dry_multiplier": 0.8}),
    "adaptive-p": Plot(OPEN, {"min_p": 0.01, "adaptive_target": 0.1}),
    "guidance": Plot(OPEN, {"guidance_scale": 2.0}, SAD),
    "mirostat": Plot(OPEN, {"mirostat": 2, "mirostat_tau": 3.0}),
}

NUM_ROWS = 14
ROW, LABEL, BAR, MARGIN = 24, 130, 420, 12
STYLE = 'font-family="sans-serif" font-size="13"'


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="smollm2")
    config = configure(Settings.load(), parser.parse_args().model, yes=True)
    with Insight(config) as insight:
        for name, plot in PLOTS.items():
            params = SamplingParams(**plot.values)
            views = insight.look(plot.prompt, params, 10**6, negative=plot.negative)
            path = PAGES / f"{name}.svg"
            path.write_text(picture(plot, views[0], views[-1]), encoding="utf-8")


def picture(plot: Plot, before: StageView, after: StageView) -> str:
    """The most likely tokens, each with a bar for its probability before and after, as SVG."""
    left = {each.token: each.probability for each in after.candidates}
    shown = list(before.candidates[:NUM_ROWS])
    known = {each.token for each in shown}
    risen = [each for each in after.candidates[:3] if each.token not in known]
    shown = [*shown[: NUM_ROWS - len(risen)], *risen]
    models = {each.token: each.probability for each in before.candidates}
    largest = max(max(models[each.token], left.get(each.token, 0.0)) for each in shown)
    rows = [
        bars(place, each.piece, models[each.token], left.get(each.token, 0.0), largest)
        for place, each in enumerate(shown)
    ]
    height = 2 * MARGIN + ROW * (len(rows) + 3)
    width = 2 * MARGIN + LABEL + BAR + 70
    title = ", ".join(f"{name} {value:g}" for name, value in plot.values.items())
    counts = f"{before.num_candidates:,} candidates, then {after.num_candidates:,}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {STYLE}>',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            text(MARGIN, MARGIN + 14, f"{plot.prompt} ...", "#444444"),
            text(MARGIN, MARGIN + 14 + ROW, f"{title}: {counts}", "#1d4f91"),
            *rows,
            text(MARGIN, height - MARGIN, "grey: the model; blue: after the sampler", "#777777"),
            "</svg>\n",
        )
    )


def bars(place: int, piece: bytes, before: float, after: float, largest: float) -> str:
    """One token."""
    top = MARGIN + ROW * (place + 2)
    name = repr(piece.decode(errors="replace"))[1:-1]
    x = MARGIN + LABEL
    parts = [
        text(MARGIN, top + 16, f"“{name}”", "#222222"),
        bar(x, top + 3, 8, before / largest, "#b8b8b8"),
        bar(x, top + 12, 8, after / largest, "#2f6fbf"),
        text(x + BAR + 8, top + 16, f"{after:.1%}" if after else "gone", "#2f6fbf"),
    ]
    return "\n".join(parts)


def bar(x: int, y: int, height: int, share: float, colour: str) -> str:
    """A bar; its full length is 1."""
    return f'<rect x="{x}" y="{y}" width="{BAR * share:.1f}" height="{height}" fill="{colour}"/>'


def text(x: int, y: int, words: str, colour: str) -> str:
    """Words."""
    return f'<text x="{x}" y="{y}" fill="{colour}">{escape(words)}</text>'


if __name__ == "__main__":
    main()
