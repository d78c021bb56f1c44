"""The numbers of one running server in Prometheus' text format.

How to add a metric. Where the number can be asked for, which costs the call path nothing, one line in
`ringdove/gauges.py`:

    metrics.gauge("ringdove_bans", "Sources that are banned now.", lambda: len(bans))
    metrics.counter("ringdove_refusals_total", "Calls refused.", lambda: gate.hits, labels=["cap"])

With labels, what is read is a mapping: from the label's value, or from a tuple of them where there are several. A
counter is read from something that only grows. Where single values matter, `metrics.histogram(…)` returns something to
call `observe` on, best once, when whatever is measured has ended. Label values must come from a short list of ours,
never from a packet. Then add its line to `docs/metrics.md`, which holds what `markdown` makes: a test compares the two
and says what is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

# Else a series beside each histogram says when it began, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

Reading = float | Mapping[Any, float]
"""One number, or with labels one for each label value (or tuple of values) that there is."""
_Family = type[GaugeMetricFamily] | type[CounterMetricFamily]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a metric is read when somebody looks."""

    family: _Family
    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Reading]

    def metric(self) -> Metric:
        family = self.family(self.name, self.text, labels=self.labels)
        reading = self.read()
        if isinstance(reading, Mapping):
            for key, value in list(reading.items()):
                family.add_metric([_word(part) for part in (key if isinstance(key, tuple) else (key,))], value)
        else:
            family.add_metric([], reading)
        return family


class Metrics(Collector):
    """The metrics of one node, in a registry of their own: two nodes in one process keep their numbers apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sources: list[_Source] = []
        self._rows: list[str] = []
        self.registry.register(self)

    def gauge(self, name: str, text: str, read: Callable[[], Reading], *, labels: Sequence[str] = ()) -> None:
        """Show what goes up and down, as `read` says at that moment."""
        self._describe(name, "gauge", labels, text)
        self._sources.append(_Source(GaugeMetricFamily, name, text, tuple(labels), read))

    def counter(self, name: str, text: str, read: Callable[[], Reading], *, labels: Sequence[str] = ()) -> None:
        """Show what only grows; `name` ends in `_total`."""
        self._describe(name, "counter", labels, text)
        self._sources.append(_Source(CounterMetricFamily, name, text, tuple(labels), read))

    def histogram(self, name: str, text: str, buckets: Sequence[float], *, labels: Sequence[str] = ()) -> Histogram:
        """Count values by size; seconds where the name says nothing else. Call `observe` on what is returned."""
        self._describe(name, "histogram", labels, text)
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def process(self, text: str, prefix: str = "", pid: Callable[[], int | str] = lambda: "self") -> None:
        """Show memory, CPU time and open files of a process, this one by default; nothing while there is none."""
        self._describe(f"{prefix}_process_*".lstrip("_"), "", (), text)
        ProcessCollector(prefix, pid, registry=self.registry)

    def info(self, name: str, text: str, values: Mapping[str, str]) -> None:
        """Show texts that never change as the labels of a metric that is always 1; `name` ends in `_info`."""
        self._describe(name, "info", list(values), text)
        self.registry.register(_Info(InfoMetricFamily(name.removesuffix("_info"), text, dict(values))))

    def text(self) -> bytes:
        """Everything, as it is scraped."""
        return generate_latest(self.registry)

    def describe(self) -> Iterable[Metric]:
        """Ask no source while the registry only wants to know what there will be."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Ask every source; one that fails is missing, and the others are there all the same."""
        for source in self._sources:
            try:
                yield source.metric()
            except Exception:
                log.exception("metric_not_read", metric=source.name)

    def markdown(self) -> str:
        """The table of what there is, sorted by name, for the documentation."""
        return "\n".join(["| metric | kind | labels | what it tells |", "|---|---|---|---|", *sorted(self._rows)])

    def _describe(self, name: str, kind: str, labels: Sequence[str], text: str) -> None:
        named = " ".join(f"`{label}`" for label in labels)
        self._rows.append(f"| `{name}` | {kind} | {named} | {text} |")


class _Info(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return [self._family]


def _word(value: object) -> str:
    """A label's value."""
    return str(value.value if isinstance(value, Enum) else value)
