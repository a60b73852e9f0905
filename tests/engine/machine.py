"""A scheduler on a fake runner, stepped by hand. The runner fails when a plan breaks the rules of a real context."""

from __future__ import annotations

from dataclasses import dataclass, field

from coblyn.engine.cache import SequenceCache
from coblyn.engine.events import Delta, Event, Finish
from coblyn.engine.fake import FakeRunner
from coblyn.engine.limits import Limits
from coblyn.engine.plan import Plan, num_drawn
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.scheduler import Scheduler

SCRIPT = "abcdefghij" * 10

STEP = 0.01
"""Seconds of a step of the model, however large it is."""


@dataclass
class Machine:
    """A scheduler on a fake runner, stepped by hand."""

    runner: FakeRunner = field(default_factory=lambda: FakeRunner(script=SCRIPT, repeats=True))
    max_running: int = 4
    busy_batch: int = 64
    speculates: bool = False
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        runner = self.runner
        cache = SequenceCache(
            runner.max_sequences,
            runner.num_cells,
            is_rewindable=runner.is_rewindable,
            shelf_tokens=runner.shelf_tokens,
            window=runner.window,
            shares_cells=runner.shares_cells,
        )
        limits = Limits(
            runner.context, self.max_running, runner.max_batch, self.busy_batch, self.speculates
        )
        self.now = 0.0
        self.scheduler = Scheduler(cache, runner.vocab, limits, lambda: self.now)

    def add(self, name: str, prompt: str | Prompt, max_tokens: int = 10, **options: object) -> None:
        if isinstance(prompt, str):
            prompt = Prompt.of(prompt.encode())
        request = Request(name, prompt, max_tokens, **options)  # type: ignore[arg-type]
        self.runner.open(self.runner.prepare(request))
        self.scheduler.add(request)

    def step(self) -> Plan:
        self.now += 1
        self.scheduler.mixes_adapters = self.runner.mixes_adapters
        self.scheduler.observe(self.runner.window_starts())
        runner = self.runner
        drafts = runner.draft(self.scheduler.draft_wishes()) if runner.can_draft else {}
        plan, events = self.scheduler.schedule(drafts)
        result = self.runner.run(plan)
        is_single = any(row.drafts for row in plan.rows)
        self.now += STEP * (1 if is_single else max(map(num_drawn, result), default=1))
        events += self.scheduler.apply(plan, result)
        self._take(events)
        return plan

    def rest(self) -> None:
        self.scheduler.observe(self.runner.window_starts())
        self.runner.run(self.scheduler.rest())

    def run(self, limit: int = 2000) -> None:
        for _ in range(limit):
            if not self.scheduler.has_work:
                return
            self.step()
        raise AssertionError("the requests never end")

    def cancel(self, name: str) -> None:
        self._take(self.scheduler.cancel(name))

    def _take(self, events: list[Event]) -> None:
        """Keep what happened, and have the runner forget who is done, as the engine does."""
        self.events += events
        for event in events:
            if event.is_last:
                self.runner.forget(event.request_id)

    def text(self, name: str) -> str:
        return "".join(e.text for e in self.events if isinstance(e, Delta) and e.request_id == name)

    @property
    def num_finished(self) -> int:
        return sum(isinstance(event, Finish) for event in self.events)

    def finish(self, name: str) -> Finish:
        (found,) = (e for e in self.events if isinstance(e, Finish) and e.request_id == name)
        return found
