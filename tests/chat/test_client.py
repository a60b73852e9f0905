"""Templates of strangers are rendered in processes that can be killed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from coblyn.chat.client import COMMAND, Renderers
from coblyn.chat.refusal import TemplateRefusal
from coblyn.errors import ModelBroken

# As the real one, but with little patience.
HASTY = (
    sys.executable,
    "-c",
    "from coblyn.chat import child, sandbox; sandbox.MAX_SECONDS = 0.3; child._SPARE_SECONDS = 0.3; child.main()",
)


@pytest.fixture(scope="module")
def renderers() -> Iterator[Renderers]:
    renderers = Renderers(COMMAND)
    renderers.warm_up()
    yield renderers
    renderers.close()


def test_it_renders(renderers: Renderers) -> None:
    assert renderers.run("{{ a }}é\ud83d", {"a": [1, "é", 2**70]}) == f"[1, 'é', {2**70}]é\ud83d"
    with pytest.raises(TemplateRefusal, match="no"):
        renderers.run("{{ raise_exception('no') }}", {})
    with pytest.raises(ModelBroken, match="line 2"):
        renderers.run("a\n{% for %}", {})
    assert renderers.run("{{ tools is none }}", {"tools": None}) == "True"


def test_several_at_a_time(renderers: Renderers) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda i: renderers.run("{{ i }}", {"i": i}), range(50)))
    assert texts == [str(i) for i in range(50)]


HOSTILE = [
    # One call of C code that holds the interpreter.
    (
        "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(40) %}{% set n.a = [n.a, n.a] %}"
        "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}"
    ),
    (
        "{% set n = namespace(s='x' * 1000) %}{% for i in range(40) %}"
        "{% set t %}{{ n.s }}{{ n.s }}{% endset %}{% set n.s = t %}{% endfor %}{{ n.s }}"
    ),
    (
        "{% set n = namespace(s='x' * 1000) %}{% for i in range(40) %}"
        "{% set n.s = '%s%s' % (n.s, n.s) %}{% endfor %}{{ n.s }}"
    ),
    "{% for i in [1] | slice(10**9) %}{% endfor %}",
    "{{ range(99999) | select('in', range(99999) | list) | list }}",
    "{{ ([[0] * 33000] * 33000) | sum(start=[]) }}",
    "{% if true %}" * 100_000 + "{% endif %}" * 100_000,
]


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_what_takes_too_much_is_ended(source: str) -> None:
    renderers = Renderers(HASTY)
    with pytest.raises(ModelBroken):
        renderers.run(source, {})
    assert renderers.run("{{ 1 + 1 }}", {}) == "2"
    renderers.close()


def test_one_that_hangs_is_ended_and_holds_nobody_up() -> None:
    renderers = Renderers((sys.executable, "-c", "import time; time.sleep(600)"), max_seconds=0.5)
    with pytest.raises(ModelBroken, match="time"):
        renderers.run("a", {})
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


def test_one_that_has_died_is_replaced(renderers: Renderers) -> None:
    with renderers._children._lock:
        for process in renderers._children._idle:
            process._process.kill()
            process._process.wait()
    assert renderers.run("{{ 1 }}", {}) == "1"
