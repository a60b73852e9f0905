"""``/metrics``: counters and state of the server in Prometheus' text format.

Events are counted here in plain numbers; the library that writes the format is imported on demand. Labels are bounded:
loaded models, known keys, dialects and statuses. No label comes from a request's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coblyn import __version__
from coblyn.api.tally import Sums, Tally
from coblyn.service.hub import Record
from coblyn.service.models import Models

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_TOKEN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """The counters.

    Args:
        models: The loaded models.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._requests = Sums()
        self._request_seconds = Tally(_SECONDS)
        self._generations = Sums()
        self._tokens = Sums()
        self._first_token = Tally(_SECONDS)
        self._queue = Tally(_SECONDS)
        self._per_token = Tally(_TOKEN_SECONDS)

    def note_request(self, dialect: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = method if method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS") else "other"
        self._requests.add((dialect, known, str(status)))
        self._request_seconds.add((dialect,), seconds)

    def note_generation(self, record: Record) -> None:
        """Count a finished generation."""
        by = (record.model, record.caller.name)
        self._generations.add((*by, record.outcome))
        cached = record.finish.stats.num_cached if record.finish else 0
        self._tokens.add((*by, "cached"), cached)
        self._tokens.add((*by, "read"), max(0, record.num_prompt - cached))
        self._tokens.add((*by, "written"), record.num_written)
        if record.first_text is not None:
            self._first_token.add((record.model,), record.first_text - record.started)
        if record.finish:
            stats = record.finish.stats
            self._queue.add((record.model,), stats.queue_seconds)
            if stats.num_generated > 1:
                self._per_token.add((record.model,), stats.decode_seconds / stats.num_generated)

    def text(self) -> bytes:
        """All metrics now, as text."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics for the library."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily

        for name, meaning, labels, sums in (
            (
                "http_requests",
                "Answered requests.",
                ("dialect", "method", "status"),
                self._requests,
            ),
            (
                "generations",
                "Generations that ended, and how: eos, stop, length, cancelled, failed, or left by the client.",
                ("model", "key", "outcome"),
                self._generations,
            ),
            (
                "tokens",
                "Tokens: computed prompt tokens, cached prompt tokens, and generated tokens.",
                ("model", "key", "kind"),
                self._tokens,
            ),
        ):
            family = CounterMetricFamily(f"coblyn_{name}", meaning, labels=labels)
            for values, number in sums.values.items():
                family.add_metric(values, number)
            yield family

    def _histograms(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import HistogramMetricFamily

        for name, meaning, label, tally in (
            (
                "http_request",
                "Duration of requests.",
                "dialect",
                self._request_seconds,
            ),
            (
                "time_to_first_token",
                "Time from a request to its first text.",
                "model",
                self._first_token,
            ),
            ("queue", "Time that generations waited in the queue.", "model", self._queue),
            (
                "time_per_token",
                "Time per token, of generations of several tokens.",
                "model",
                self._per_token,
            ),
        ):
            family = HistogramMetricFamily(f"coblyn_{name}_seconds", meaning, labels=[label])
            for values, spread in tally.values.items():
                family.add_metric(values, spread.cumulative(), spread.total)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        up = GaugeMetricFamily(
            "coblyn_engine_up", "Whether the engine accepts requests.", labels=["model"]
        )
        running = GaugeMetricFamily(
            "coblyn_requests_running", "Requests in the batch.", labels=["model"]
        )
        waiting = GaugeMetricFamily(
            "coblyn_requests_waiting", "Requests in the queue.", labels=["model"]
        )
        memory = GaugeMetricFamily(
            "coblyn_engine_resident_bytes", "Memory of the engine process.", labels=["model"]
        )
        restarts = CounterMetricFamily(
            "coblyn_engine_restarts", "Number of engine restarts.", labels=["model"]
        )
        for model in self._models:
            status, label = model.engine.status(), [model.name]
            up.add_metric(label, float(status.state == "ready"))
            running.add_metric(label, status.num_running)
            waiting.add_metric(label, status.num_waiting)
            restarts.add_metric(label, status.num_restarts)
            if status.pid:
                memory.add_metric(label, _resident_bytes(status.pid))
        info = GaugeMetricFamily("coblyn_info", "What runs.", labels=["version"])
        info.add_metric([__version__], 1)
        yield from (info, up, running, waiting, memory, restarts)


def _resident_bytes(pid: int) -> float:
    import psutil

    try:
        return float(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0.0
