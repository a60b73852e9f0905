"""The engine process: reads frames from standard input and writes frames to standard output.

It has four threads. The main thread reads frames and answers pings and questions about tokens; another one tokenizes
long texts, so that others do not wait for them; the engine thread loads, computes and sends; and a writer takes over
when the reader of the output is slow, so that it never delays a step. When standard input ends, the parent is gone, and
the process ends too.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import select
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial

import msgspec

from coblyn.engine import wire
from coblyn.engine.config import EngineConfig
from coblyn.engine.core import Core
from coblyn.engine.encoded import PromptId
from coblyn.engine.encoder import LONG_TEXT, Encoder
from coblyn.engine.events import Event, Failed
from coblyn.engine.fake import FakeRunner
from coblyn.engine.interface import Runner
from coblyn.engine.media import RawMedia
from coblyn.engine.pieces import join_pieces
from coblyn.engine.prompt import unpack_ids
from coblyn.engine.request import Request
from coblyn.engine.states import States
from coblyn.errors import CoblynError, EngineError, PromptForgotten
from coblyn.llama.process import end_with_parent

__all__ = ["main"]

log = logging.getLogger(__name__)

FAILED_STEP = 70
"""Exit code after a failed step; the client starts a new process."""


class Writer:
    """Sends frames to a file descriptor without ever blocking the sender.

    While the reader keeps up, frames are written by the calling thread: waking another thread would cost more than the
    write, and would take a core from the next step. What does not fit into the pipe is left to a thread.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._backlog: deque[memoryview] = deque()
        self._changed = threading.Condition()
        self._is_finished = False
        # Windows has no non-blocking pipes, so there the thread writes everything.
        self._can_try = os.name != "nt"
        if self._can_try:
            os.set_blocking(descriptor, False)
        self._thread = threading.Thread(target=self._main, name="coblyn-writer", daemon=True)
        self._thread.start()

    def send(self, frame: wire.FromEngine) -> None:
        """Send a frame."""
        data = memoryview(wire.pack(frame))
        with self._changed:
            if self._can_try and not self._backlog:
                data = data[self._try(data) :]
            if data:
                self._backlog.append(data)
                self._changed.notify()

    def send_events(self, events: Sequence[Event]) -> None:
        """Send the events of a step."""
        self.send(wire.Events(list(events)))

    def finish(self) -> None:
        """Send everything that waits, and end the thread."""
        with self._changed:
            self._is_finished = True
            self._changed.notify()
        self._thread.join()

    def _try(self, frame: memoryview) -> int:
        """Write what fits now. Gives the number of bytes written."""
        try:
            return os.write(self._descriptor, frame)
        except BlockingIOError:
            return 0
        except OSError:  # the parent is gone
            os._exit(0)

    def _main(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog or self._is_finished)
                if not self._backlog:
                    return
                frame = self._backlog[0]
            if self._can_try:
                select.select((), (self._descriptor,), ())
            rest = frame[self._try(frame) :]
            with self._changed:
                # It stays at the front until it is sent, so that no other frame overtakes it.
                if rest:
                    self._backlog[0] = rest
                else:
                    self._backlog.popleft()


_Question = (
    wire.Encode | wire.Seek | wire.Show | wire.Foresee | wire.Look | wire.Detokenize | wire.Embed
)


class Errands:
    """Runs slow work one after the other on a separate thread, so that only its requester waits."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_over = False
        self._thread = threading.Thread(target=self._main, name="coblyn-errands", daemon=True)
        self._thread.start()

    def add(self, errand: Callable[[], None]) -> None:
        """Queue work, which must not raise."""
        self._queue.put(errand)

    def finish(self) -> None:
        """Wait for the current work, and drop the rest."""
        self._is_over = True
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        while (errand := self._queue.get()) is not None and not self._is_over:
            errand()


class Worker:
    """Answers frames.

    Args:
        writer: Where answers go.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._errands = Errands()
        self._core: Core | None = None
        self._state_bytes = 0
        self._load_advanced = 0.0

    def handle(self, frame: wire.ToEngine | wire.Unreadable) -> bool:
        """Answer one frame. Gives False after the last."""
        match frame:
            case wire.Submit(request):
                self._submit(request)
            case wire.Cancel(request_id):
                self._loaded.cancel(request_id)
            case wire.EndThinking(request_id):
                self._loaded.end_thinking(request_id)
            case (
                wire.Encode()
                | wire.Seek()
                | wire.Show()
                | wire.Foresee()
                | wire.Look()
                | wire.Detokenize()
                | wire.Embed()
            ):
                self._ask(frame)
            case wire.AddAdapter() | wire.State():
                self._change(frame)
            case wire.Ping():
                self._ping()
            case wire.Load(config):
                self._load(config)
            case wire.Unreadable():
                self._refuse(frame)
            case wire.Stop():
                self._stop()
                return False
        return True

    def _ask(self, frame: _Question) -> None:
        """Answer a question here, or on another thread if it would delay others."""
        match frame:
            case wire.Encode():
                self._encode(frame)
            case wire.Seek(call, digests):
                self._answer(call, partial(self._unknown, digests))
            case wire.Show(call, media):
                self._errands.add(partial(self._answer, call, partial(self._take, media)))
            case wire.Foresee():
                self._foresee(frame)
            case wire.Look():
                self._look(frame)
            case wire.Detokenize():
                self._answer(frame.call, partial(self._detokenize, frame))
            case wire.Embed():
                self._embed(frame)

    def _answer(self, call: int, question: Callable[[], wire.Told]) -> None:
        """Answer a question, or send its error: an invalid question must not end the process."""
        try:
            self._writer.send(wire.Answer(call, question()))
        except Exception as error:  # noqa: BLE001 - the border of a thread
            reason = _reason(error)
            self._writer.send(_refusal(call, reason))

    def _refuse(self, frame: wire.Unreadable) -> None:
        """Send an error to the sender of an unreadable frame."""
        reason = _reason(frame.error)
        if frame.kind == "submit":
            request_id = str(frame.asked["id"])
            failed = Failed.by(request_id, reason)
            self._writer.send_events([failed])
        else:
            self._writer.send(_refusal(int(frame.asked), reason))

    def _stop(self) -> None:
        if (
            self._core is None
        ):  # a load cannot always be interrupted, and leaves nothing to clean up
            os._exit(0)
        self._errands.finish()  # its resources are freed with the core
        self._core.stop()

    def _ping(self) -> None:
        """Answer a ping with the seconds of the current step, or of a load without progress."""
        core = self._core
        age = core.step_seconds if core else time.monotonic() - self._load_advanced
        self._writer.send(wire.Pong(age))

    def _load(self, config: EngineConfig) -> None:
        self._load_advanced = time.monotonic()
        self._state_bytes = config.cache_memory << 20
        load = partial(self._load_now, config)
        threading.Thread(target=load, name="coblyn-load", daemon=True).start()

    def _load_now(self, config: EngineConfig) -> None:
        """Load on a separate thread, so that the main thread keeps answering and can end the process."""
        core = Core(
            lambda: self._make_runner(config),
            self._writer.send_events,
            max_running=config.max_running,
            busy_batch=config.busy_batch,
            speculates=config.speculation,
            on_failure=self._give_up,
        )
        try:
            core.start()
        except CoblynError as error:
            self._give_up(error)
        except BaseException:  # noqa: BLE001 - the border of a thread: the parent reads it
            traceback.print_exc()
            os._exit(1)
        # Everything allocated so far lives to the end, so the garbage collector need not scan it in the middle of a
        # step.
        gc.freeze()
        gc.enable()
        self._core = core
        self._writer.send(wire.Ready(core.runner.info))

    def _make_runner(self, config: EngineConfig) -> Runner:
        if not config.library:
            fake = FakeRunner(
                kinds=("image", "sound"),
                seconds_a_step=0.01,
                max_running=config.max_running,
                path=config.model,
            )
            if config.context:
                fake.context = fake.num_cells = config.context
            for text in config.adapters:
                fake.add_adapter(text)
            return fake
        from coblyn.engine.aloud import load_aloud  # numpy and the library only when needed
        from coblyn.engine.embedding import EmbeddingRunner
        from coblyn.engine.runner import LlamaRunner

        def load() -> Runner:
            kind = EmbeddingRunner if config.embeds else LlamaRunner
            return kind(config, self._advance)

        return load_aloud(config, load)

    def _advance(self, fraction: float) -> bool:
        self._load_advanced = time.monotonic()
        self._writer.send(wire.Loading(fraction))
        return True

    def _submit(self, request: Request[PromptId]) -> None:
        try:
            found = self._encoder.look_up(request)
        except PromptForgotten as error:
            failed = Failed.by(request.id, error)
            self._writer.send_events([failed])
        else:
            self._loaded.submit(found)

    def _encode(self, frame: wire.Encode) -> None:
        encode = partial(self._encoder.encode, frame.source)
        answer = partial(self._answer, frame.call, encode)
        if frame.source.num_characters > LONG_TEXT:
            self._errands.add(answer)
        else:
            answer()

    def _embed(self, frame: wire.Embed) -> None:
        """Compute vectors between two steps; the engine thread answers."""
        try:
            texts = [self._encoder.find(prompt_id).ids for prompt_id in frame.prompt_ids]
        except PromptForgotten as error:
            self._writer.send(_refusal(frame.call, error))
            return
        future = self._loaded.call(lambda runner: runner.embed(texts))
        future.add_done_callback(lambda done: self._answer(frame.call, done.result))

    def _change(self, frame: wire.AddAdapter | wire.State) -> None:
        """Change something between two steps, and answer."""
        if isinstance(frame, wire.State):
            self._state(frame)
        else:
            self._add_adapter(frame)

    def _add_adapter(self, frame: wire.AddAdapter) -> None:
        """Load an adapter between two steps; the engine thread answers."""

        def answer() -> int:
            done.result()
            self._writer.send(wire.Ready(self._loaded.runner.info))
            return 0

        done = self._loaded.call(lambda runner: runner.add_adapter(frame.text))
        done.add_done_callback(lambda _: self._answer(frame.call, answer))

    def _state(self, frame: wire.State) -> None:
        """Runs on a separate thread, since state files may be large."""

        def answer() -> bytes:
            return msgspec.msgpack.encode(self._states.carry_out(frame.order))

        work = partial(self._answer, frame.call, answer)
        threading.Thread(target=work, name="coblyn-state", daemon=True).start()

    def _foresee(self, frame: wire.Foresee) -> None:
        """Have the engine thread answer between two steps, without waiting for it here."""
        try:
            prompt = self._encoder.find(frame.prompt_id)
        except PromptForgotten as error:
            self._writer.send(wire.Refusal(frame.call, error.code, error.message, error.hint))
            return
        number = self._loaded.foresee(prompt)
        number.add_done_callback(lambda done: self._answer(frame.call, done.result))

    def _look(self, frame: wire.Look) -> None:
        """Have the engine thread answer between two steps."""
        try:
            prompt = self._encoder.find(frame.prompt_id)
        except PromptForgotten as error:
            self._writer.send(_refusal(frame.call, error))
            return
        views = self._loaded.look(Request("look", prompt, 1, frame.sampling), frame.max_count)
        views.add_done_callback(
            lambda done: self._answer(frame.call, lambda: wire.pack_views(done.result()))
        )

    def _unknown(self, digests: list[bytes]) -> list[bytes]:
        media = self._loaded.runner.media
        return [digest for digest in digests if media.spans(digest) is None]

    def _take(self, media: RawMedia) -> int:
        return sum(span.cells for span in self._loaded.runner.media.take(media))

    def _detokenize(self, frame: wire.Detokenize) -> bytes:
        runner = self._loaded.runner
        size = runner.info.vocab_size
        ids = unpack_ids(frame.ids)
        return join_pieces(runner.vocab, ids, special=frame.special, vocab_size=size)

    @cached_property
    def _states(self) -> States:
        return States(self._loaded, self._state_bytes)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder.of(self._loaded.runner)

    @property
    def _loaded(self) -> Core:
        assert self._core is not None, "the first frame is a load"
        return self._core

    def _give_up(self, error: CoblynError) -> None:
        self._writer.send(wire.Broken(error.code, error.message, error.hint))
        self._writer.finish()
        os._exit(FAILED_STEP)


def _reason(error: Exception) -> CoblynError:
    """Convert an exception into the error that the caller gets."""
    if isinstance(error, CoblynError):
        return error
    log.error("a frame could not be answered", exc_info=error)
    return EngineError(f"The request could not be read: {error!r}.")


def _refusal(call: int, error: CoblynError) -> wire.Refusal:
    return wire.Refusal(call, error.code, error.message, error.hint, error.field)


def main() -> None:
    """Run until told to stop, or until the parent is gone."""
    gc.disable()  # until the model is loaded, since everything allocated before stays
    end_with_parent()
    # The server handles Ctrl-C and other signals to the whole process group.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    frames_out = os.dup(sys.stdout.fileno())
    # Output that a library prints must not mix with the frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    writer = Writer(frames_out)
    worker = Worker(writer)
    if "early" in sys.argv[1:]:  # what it will load is not known yet, and very likely needs this
        import coblyn.engine.aloud
        import coblyn.engine.runner  # noqa: F401
    reader = wire.to_engine()
    source = sys.stdin.fileno()
    while data := os.read(source, 1 << 16):
        for frame in reader.feed(data):
            if not worker.handle(frame):
                writer.finish()
                return
    os._exit(0)  # the parent is gone, possibly in the middle of a step


if __name__ == "__main__":
    main()
