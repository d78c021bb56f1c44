"""Which numbers of which part are shown at `/metrics`: one line each. How to add one: see `watch/metrics.py`."""

import asyncio
import platform
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from time import time

from ringdove.calls.board import Board
from ringdove.calls.switchboard import Switchboard
from ringdove.guard.bans import Bans
from ringdove.guard.guard import Guard
from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.net.endpoint import Endpoint
from ringdove.notifier.notifier import Notifier
from ringdove.registrar.registrar import Registrar
from ringdove.voicemail.mail import Mailer
from ringdove.voicemail.postbox import Postbox
from ringdove.watch.homer import Homer
from ringdove.watch.metrics import Metrics
from ringdove.watch.recorder import Recorder


def show_process(metrics: Metrics) -> None:
    """This build, this process, and its tasks."""
    metrics.info(
        "ringdove_build_info", "This build.", {"version": version("ringdove"), "python": platform.python_version()}
    )
    metrics.process("Memory, CPU time, open files and start of the server.")
    metrics.gauge("ringdove_tasks", "asyncio tasks that have not ended.", lambda: len(asyncio.all_tasks()))


def show_sip(metrics: Metrics, endpoint: Endpoint) -> None:
    """What the endpoint holds and what became of messages."""
    metrics.gauge(
        "ringdove_transactions", "SIP transactions that are held, by side.", endpoint.transactions, labels=["side"]
    )
    metrics.gauge("ringdove_timers", "Transactions that wait for a timer.", lambda: endpoint.timers)
    metrics.gauge(
        "ringdove_dialogs",
        "SIP dialogs that are open: of calls, early ones of callers too, and of subscriptions.",
        lambda: endpoint.dialogs,
    )
    metrics.gauge(
        "ringdove_sip_connections",
        "SIP connections, those that are coming about too, by transport.",
        endpoint.listeners.connections,
        labels=["transport"],
    )
    metrics.counter(
        "ringdove_sip_connections_turned_away_total",
        "SIP connections that were closed, by reason: caps, door (their source is banned or too fast), "
        "handshake (it failed or took too long), slow (a message took too long, nothing came, or nothing was read).",
        endpoint.listeners.turned_away,
        labels=["transport", "reason"],
    )
    metrics.counter(
        "ringdove_sip_dropped_total",
        "SIP messages that came to nothing, by reason.",
        lambda: endpoint.dropped,
        labels=["reason"],
    )
    metrics.counter(
        "ringdove_sip_failures_total",
        "Requests of ours without a final response (for ACK: responses of ours without one), by method and cause.",
        lambda: endpoint.failed,
        labels=["method", "cause"],
    )
    metrics.counter(
        "ringdove_sip_retransmissions_total", "Messages that were sent again by a timer.", lambda: endpoint.sent_again
    )


def show_registrations(metrics: Metrics, registrar: Registrar) -> None:
    """Who is there."""
    metrics.gauge(
        "ringdove_registrations",
        "Live bindings of phones, by transport, and by whether the phone answers.",
        lambda: Counter(
            (binding.transport, "yes" if registrar.is_reachable(binding) else "no") for binding in registrar
        ),
        labels=["transport", "reachable"],
    )


def show_subscriptions(metrics: Metrics, notifier: Notifier) -> None:
    """Who is told what."""
    metrics.gauge(
        "ringdove_subscriptions",
        "Subscriptions of phones that are active, by event package.",
        notifier.counts,
        labels=["event"],
    )
    metrics.gauge(
        "ringdove_phones_declining",
        "Registered phones that do not want to be told of waiting messages without having subscribed.",
        lambda: notifier.declined,
    )
    metrics.counter(
        "ringdove_notifies_total",
        "NOTIFYs by event package and by what came of them: the class of the response, `2xx` to `6xx`, or `none`.",
        lambda: notifier.notified,
        labels=["event", "result"],
    )


def show_guard(metrics: Metrics, guard: Guard, doors: Mapping[str, Bans]) -> None:
    """Who is not heard, and what was not read."""
    metrics.gauge(
        "ringdove_bans",
        "Who is banned now, by door: sip (addresses), sip_user (names that many addresses tried), api (addresses), "
        "mailbox (extensions that guess at PINs, and mailboxes that are guessed at).",
        lambda: {door: len(bans.active(time())) for door, bans in doors.items()},
        labels=["door"],
    )
    metrics.counter(
        "ringdove_bans_total",
        "Bans, by door and by what failed last.",
        lambda: {(door, reason): count for door, bans in doors.items() for reason, count in bans.total.items()},
        labels=["door", "reason"],
    )
    metrics.counter(
        "ringdove_sip_unread_total",
        "Messages that were not even read, by reason.",
        lambda: guard.refused,
        labels=["reason"],
    )
    metrics.counter("ringdove_login_failures_total", "Wrong SIP credentials.", lambda: guard.failures)


def show_calls(metrics: Metrics, switchboard: Switchboard, board: Board) -> None:
    """What runs."""
    metrics.gauge("ringdove_calls", "Calls that run, by state.", switchboard.states, labels=["state"])
    metrics.gauge(
        "ringdove_legs", "Legs of calls that are not over, those of the callers included.", lambda: switchboard.legs
    )
    metrics.counter(
        "ringdove_caps_hit_total",
        "Calls and legs that were one too many or lasted too long, by the cap.",
        lambda: board.gate.hits,
        labels=["cap"],
    )
    metrics.gauge(
        "ringdove_records_waiting", "Records of calls that wait for the store.", lambda: board.records.waiting
    )


def show_media(metrics: Metrics, media: EmbeddedEngine) -> None:
    """The media process and what it holds."""
    metrics.gauge("ringdove_media_up", "Whether the media process is there: 1 or 0.", lambda: media.is_up)
    metrics.counter("ringdove_media_starts_total", "Starts of the media process.", lambda: media.starts)
    metrics.gauge("ringdove_media_sessions", "Calls that the media process knows.", lambda: media.sessions)
    metrics.gauge("ringdove_media_ports", "Pairs of RTP ports that legs hold.", lambda: media.ports_held)
    metrics.process("The same of the media process.", "ringdove_media", lambda: media.pid or "none")


def show_ladder(metrics: Metrics, recorder: Recorder) -> None:
    """What is kept of recent calls."""
    metrics.gauge("ringdove_ladder_calls", "Calls whose SIP messages are kept.", lambda: len(recorder))
    metrics.gauge("ringdove_ladder_bytes", "What these messages take, more or less.", lambda: recorder.octets)


def show_hep(metrics: Metrics, homer: Homer) -> None:
    """What became of copies."""
    metrics.counter(
        "ringdove_hep_packets_total",
        "Copies of SIP messages for the HEP collector: `sent`, or `failed` here; what is lost on the way is unknown.",
        lambda: homer.sent,
        labels=["result"],
    )


def show_letters(metrics: Metrics, postbox: Postbox) -> None:
    """What callers have left that is in no mailbox."""
    metrics.gauge(
        "ringdove_letters",
        "Messages that are in no mailbox: `waiting` to be delivered, or `set_aside`, as that cannot be.",
        lambda: postbox.undelivered()._asdict(),
        labels=["state"],
    )


def show_mail(metrics: Metrics, mailer: Mailer) -> None:
    """What became of mails about messages."""
    metrics.gauge("ringdove_mails_waiting", "Mails about voicemail that are owed.", lambda: mailer.waiting)
    metrics.counter(
        "ringdove_mails_total",
        "Mails about voicemail by what became of them: `sent`, accepted by the mail server, or `failed`, given up.",
        lambda: mailer.done,
        labels=["result"],
    )
