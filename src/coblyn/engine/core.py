"""The engine thread: schedule, run, apply, deliver. It alone touches the runner.

Requests and cancellations arrive through an inbox; events leave through a callback that must not block.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from coblyn.engine.adapter import require_known
from coblyn.engine.banned import banned_of
from coblyn.engine.cache import SequenceCache
from coblyn.engine.events import Event, Failed, Finish, Stats
from coblyn.engine.interface import Prepared, Runner
from coblyn.engine.limits import Limits
from coblyn.engine.preparing import Preparation, Preparing
from coblyn.engine.prompt import Media, Prompt
from coblyn.engine.request import Request
from coblyn.engine.scheduler import Scheduler
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import SavedState
from coblyn.engine.states import put_state, take_state
from coblyn.errors import BadRequest, CoblynError, EngineError, EngineStopped, PromptTooLong

__all__ = ["Core", "Deliver"]

T = TypeVar("T")

Deliver = Callable[[Sequence[Event]], None]

log = logging.getLogger(__name__)


class _Cancel(str):
    """The id of a request that should end."""

    __slots__ = ()


class _EndThinking(str):
    """The id of a request whose reasoning should end."""

    __slots__ = ()


class _Call:
    """A function to run on the engine thread between two steps."""

    def __init__(self, function: Callable[[Scheduler, Runner], Any]) -> None:
        self._function = function
        self.future: Future[Any] = Future()

    def run(self, scheduler: Scheduler, runner: Runner) -> None:
        """Run it, unless the caller has given up; the caller gets what it raises."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._function(scheduler, runner))
        except BaseException as error:  # noqa: BLE001 - the border of a thread
            self.future.set_exception(error)

    def refuse(self, error: Exception) -> None:
        """Fail it, unless the caller has given up."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


_Message = Preparation | _Cancel | _EndThinking | _Call


class Core:
    """A thread around a runner.

    Args:
        make_runner: Called on the engine thread; ``start`` raises what it raises.
        deliver: Called on the engine thread with events.
        max_running: Maximum number of requests in the batch.
        busy_batch: Maximum number of tokens per step while any request decodes.
        speculates: Whether drafts are used where that is faster.
        on_failure: Called once when a step fails and the runner cannot continue.
    """

    def __init__(
        self,
        make_runner: Callable[[], Runner],
        deliver: Deliver,
        *,
        max_running: int,
        busy_batch: int,
        speculates: bool = False,
        on_failure: Callable[[CoblynError], None] | None = None,
    ) -> None:
        self._make_runner = make_runner
        self._deliver = deliver
        self._max_running = max_running
        self._busy_batch = busy_batch
        self._speculates = speculates
        self._on_failure = on_failure
        self._inbox: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._preparing = Preparing(self._prepare, self._post_prepared)
        self._started = threading.Event()
        self._start_error: BaseException | None = None
        self._failure: CoblynError | None = None
        self._step_began = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=self._main, name="coblyn-engine", daemon=True)
        self.runner: Runner

    @property
    def failure(self) -> CoblynError | None:
        """The error after which nothing can be generated any more, if there was one."""
        return self._failure

    def start(self) -> None:
        """Load, and wait until the runner is ready.

        Raises:
            CoblynError: What the runner raised while it loaded.
        """
        self._thread.start()
        self._started.wait()
        if self._start_error:
            raise self._start_error

    def submit(self, request: Request[Prompt]) -> None:
        """Prepare a request and put it into the inbox; its events follow."""
        if not self._preparing.add(request):
            self._fail([request.id], self._reason_for_refusal)

    def cancel(self, request_id: str) -> None:
        """Cancel a request; it finishes as cancelled at the next step."""
        self._post(_Cancel(request_id))

    def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning at the next step. An unknown id is not an error."""
        self._post(_EndThinking(request_id))

    def call(self, function: Callable[[Runner], T]) -> Future[T]:
        """Run a function on the engine thread between two steps; it must leave the sequences as they are."""
        return self._ask(lambda _, runner: function(runner))

    def save_state(self, rank: int) -> Future[SavedState]:
        """A copy of an idle text's state: 0 for the text used last, 1 for the one before."""
        return self._ask(lambda scheduler, runner: take_state(scheduler, runner, rank))

    def load_state(self, state: SavedState) -> Future[None]:
        """Make a saved state available to requests."""
        return self._ask(lambda scheduler, runner: put_state(scheduler, runner, state))

    def erase_state(self, rank: int) -> Future[SavedState]:
        """Erase an idle text's state, and give what it was."""
        return self._ask(lambda scheduler, runner: take_state(scheduler, runner, rank, erases=True))

    def foresee(self, prompt: Prompt) -> Future[int]:
        """Number of tokens of a prompt that are in memory, determined between two steps."""
        return self._ask(lambda scheduler, _: scheduler.foresee(prompt))

    def look(self, request: Request[Prompt], max_count: int) -> Future[list[StageView]]:
        """Candidates for the token after a computed prompt, after each sampler; none if the prompt was not computed."""

        def ask(scheduler: Scheduler, runner: Runner) -> list[StageView]:
            sequence = scheduler.at_end(request.prompt)
            return [] if sequence is None else runner.look(sequence, request, max_count)

        return self._ask(ask)

    def _ask(self, function: Callable[[Scheduler, Runner], T]) -> Future[T]:
        call = _Call(function)
        self._post(call)
        if self._is_over:
            self._refuse_all()
        return call.future

    @property
    def step_seconds(self) -> float:
        """Seconds for which the current step has run; 0 between steps. Any thread may call."""
        began = self._step_began
        return time.monotonic() - began if began else 0.0

    def stop(self) -> None:
        """End the thread after the current step, and free the runner."""
        self._post(None)
        self._thread.join()
        self._preparing.close()
        # A failed thread leaves the runner open, since other threads may still have used its vocabulary.
        self.runner.close()

    def _post(self, message: _Message | None) -> None:
        self._inbox.put(message)
        self.runner.interrupt(True)

    # The threads that prepare requests

    def _prepare(self, request: Request[Prompt]) -> Prepared:
        _check(request, self.runner)
        return self.runner.prepare(request)

    def _post_prepared(self, preparation: Preparation) -> None:
        self._post(preparation)
        if self._is_over:
            self._refuse_all()

    # The engine thread

    def _main(self) -> None:
        try:
            self.runner = self._make_runner()
        except BaseException as error:  # noqa: BLE001 - the border of a thread: start() raises it
            self._start_error = error
            return
        finally:
            self._started.set()
        try:
            self._loop(self.runner)
            self._preparing.close()
            self.runner.close()
        except BaseException as error:
            log.exception("the engine thread ended")
            self._stop_for(EngineError(f"The engine failed: {error!r}."))
        finally:
            self._is_over = True
            self._refuse_all()

    def _refuse_all(self) -> None:
        """Fail the requests in the inbox, since the thread that would take them has ended."""
        error = self._reason_for_refusal
        while True:
            try:
                message = self._inbox.get(block=False)
            except queue.Empty:
                return
            if isinstance(message, Preparation):
                self._preparing.take(message)
                self._refuse(message, error)
            elif isinstance(message, _Call):
                message.refuse(error)

    def _loop(self, runner: Runner) -> None:
        limits = Limits(
            runner.info.context,
            self._max_running,
            runner.max_batch,
            self._busy_batch,
            self._speculates,
        )
        cache = SequenceCache(
            runner.max_sequences,
            runner.num_cells,
            is_rewindable=runner.info.is_rewindable,
            shelf_tokens=runner.shelf_tokens,
            window=runner.window,
            shares_cells=runner.shares_cells,
        )
        scheduler = Scheduler(cache, runner.vocab, limits, time.perf_counter)
        try:
            while self._receive(scheduler, runner):
                if self._failure is not None:
                    self._fail(scheduler.drain(), self._failure)
                elif scheduler.has_work:
                    self._work(scheduler, runner)
        except BaseException as error:
            self._fail(scheduler.drain(), EngineError(f"The engine failed: {error!r}."))
            raise

    def _work(self, scheduler: Scheduler, runner: Runner) -> None:
        self._step_began = time.monotonic()
        try:
            self._step(scheduler, runner)
            self._rest(scheduler, runner)
        except CoblynError as error:
            log.warning("a step of the engine failed: %s", error)
            self._give_up(scheduler, error)
        except Exception as error:  # a bug of ours must not leave callers waiting forever
            log.exception("a step of the engine failed")
            self._give_up(scheduler, EngineError(f"The engine failed: {error!r}."))
        finally:
            self._step_began = 0.0

    def _give_up(self, scheduler: Scheduler, error: CoblynError) -> None:
        self._fail(scheduler.drain(), error)
        self._stop_for(error)

    def _stop_for(self, error: CoblynError) -> None:
        self._failure = EngineStopped(
            f"The engine stopped: {error.message}", hint="Load the model again."
        )
        if self._on_failure:
            self._on_failure(error)

    def _step(self, scheduler: Scheduler, runner: Runner) -> None:
        _observe(scheduler, runner)
        drafts = runner.draft(scheduler.draft_wishes()) if runner.can_draft else {}
        plan, events = scheduler.schedule(drafts)
        self._send(events)
        events = scheduler.apply(plan, runner.run(plan))
        self._forget_finished(runner, events)
        self._send(events)

    def _rest(self, scheduler: Scheduler, runner: Runner) -> None:
        """Use idle time; a request that arrives meanwhile waits at most a few milliseconds."""
        if scheduler.has_work or not self._inbox.empty():
            return
        _observe(scheduler, runner)
        plan = scheduler.rest()
        if plan.operations:
            runner.run(plan)

    def _receive(self, scheduler: Scheduler, runner: Runner) -> bool:
        """Take all messages in the inbox; wait for one only when there is nothing to run."""
        # Cleared before the inbox is read: messages that arrive from now on interrupt again.
        runner.interrupt(False)
        while True:
            try:
                message = self._next(scheduler, runner)
            except queue.Empty:
                return True
            if message is None:
                self._finish_all(scheduler, runner)
                return False
            try:
                self._handle(message, scheduler, runner)
            except BaseException:
                self._inbox.put(message)  # so that it is refused like all others in the inbox
                raise

    def _next(self, scheduler: Scheduler, runner: Runner) -> _Message | None:
        """The next message.

        Raises:
            queue.Empty: There is none, and there is work to do.
        """
        if scheduler.has_work or self._failure is not None:
            return self._inbox.get(block=not scheduler.has_work)
        while True:
            runner.interrupt(False)  # by an earlier message, which is done
            seconds = runner.rest() if self._inbox.empty() else None
            with suppress(queue.Empty):
                return self._inbox.get(timeout=seconds)

    def _handle(self, message: _Message, scheduler: Scheduler, runner: Runner) -> None:
        if isinstance(message, _Call):
            message.run(scheduler, runner)
            return
        if isinstance(message, Preparation):
            self._take_up(message, scheduler, runner)
            return
        request_id = str(message)
        if isinstance(message, _EndThinking):
            scheduler.end_thinking(request_id)
            return
        if self._preparing.cancel(request_id):
            self._send([Finish(request_id, "cancelled", Stats())])
            return
        events = scheduler.cancel(request_id)
        if events:
            self._forget_finished(runner, events)
            self._send(events)

    def _take_up(self, preparation: Preparation, scheduler: Scheduler, runner: Runner) -> None:
        """Queue a prepared request; an error fails this request only."""
        self._preparing.take(preparation)
        request, prepared = preparation.request, preparation.result
        if preparation.is_cancelled or prepared is None or isinstance(prepared, CoblynError):
            self._refuse(preparation, self._reason_for_refusal)
            return
        runner.open(prepared)
        try:
            scheduler.add(request)
        except Exception as error:
            log.exception("a request could not be queued")
            runner.forget(request.id)
            self._fail([request.id], EngineError(f"The request could not be queued: {error!r}."))

    def _refuse(self, preparation: Preparation, error: CoblynError) -> None:
        """Fail a request with its own error, or else with ``error``; do nothing if it was cancelled."""
        preparation.discard()
        if isinstance(preparation.result, CoblynError):
            error = preparation.result
        if not preparation.is_cancelled:
            self._fail([preparation.request.id], error)

    @property
    def _reason_for_refusal(self) -> CoblynError:
        return self._failure or EngineStopped("The engine was closed.")

    def _finish_all(self, scheduler: Scheduler, runner: Runner) -> None:
        for request_id in (*scheduler.request_ids(), *self._preparing.request_ids()):
            self._handle(_Cancel(request_id), scheduler, runner)

    def _forget_finished(self, runner: Runner, events: Sequence[Event]) -> None:
        for event in events:
            if event.is_last:
                runner.forget(event.request_id)

    def _fail(self, ids: Sequence[str], error: CoblynError) -> None:
        self._send([Failed.by(request_id, error) for request_id in ids])

    def _send(self, events: Sequence[Event]) -> None:
        if events:
            self._deliver(events)


def _observe(scheduler: Scheduler, runner: Runner) -> None:
    scheduler.mixes_adapters = runner.mixes_adapters
    if runner.window.size:
        scheduler.observe(runner.window_starts())


def _check(request: Request[Prompt], runner: Runner) -> None:
    if banned_of(request.banned_phrases, request.banned_patterns):
        runner.vocab.containing("")  # so that no step has to read the vocabulary
    context, size = runner.info.context, runner.info.vocab_size
    prompt = request.prompt
    require_known(prompt.namespace.adapters, runner.info.adapters)
    if not prompt.cells:
        raise BadRequest("The prompt is empty.", field="prompt", hint="Send at least one token.")
    if request.max_tokens < 1:
        raise BadRequest("max_tokens must be at least 1.", field="max_tokens")
    if prompt.cells >= context:
        raise PromptTooLong(
            f"The prompt has {prompt.cells} tokens, and the context holds {context}.",
            field="prompt",
            hint="Shorten the prompt, or load the model with a larger context (--context).",
        )
    if request.negative:
        _check_guide(prompt, request.negative, runner)
    ids = [*prompt.ids, *(request.negative.ids if request.negative else ())]
    if ids and not all(0 <= token < size for token in (min(ids), max(ids))):
        raise BadRequest(f"Token ids must be between 0 and {size - 1}.", field="prompt")


def _check_guide(prompt: Prompt, guide: Prompt, runner: Runner) -> None:
    if not guide.cells:
        raise BadRequest("The negative prompt is empty.", field="negative_prompt")
    if any(isinstance(each.spans[-1], Media) for each in (prompt, guide)):
        raise BadRequest(
            "A prompt with guidance cannot end in an image or a sound.", field="negative_prompt"
        )
    if runner.max_sequences < 2:
        raise BadRequest(
            "Guidance needs a second sequence per request, and this engine has only one.",
            field="guidance_scale",
            hint="Start the server with --max-running 2 or more.",
        )
    room = min(runner.info.context, runner.num_cells - prompt.cells - 1)
    if guide.cells >= room:
        raise PromptTooLong(
            f"The negative prompt has {guide.cells} tokens, and there is room for {max(0, room - 1)}.",
            field="negative_prompt",
            hint="Shorten it, or load the model with a larger context (--context).",
        )
