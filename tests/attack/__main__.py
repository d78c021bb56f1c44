"""`make attack`: a server under every attack in turn, for ten minutes, while people call.

Everything stays on loopback, and the rate is bounded. What is asked for: memory and tables do not grow, and the calls
of others are on time; else the exit status is 1.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from .siege import ATTACKS, Cost, Siege

WARM_UP = 5.0
"""Seconds of each attack, and calls, after which the server has all the memory it needs for them."""
WARM_UP_CALLS = 500
GROWTH = 0.05
"""Share by which the resident memory may grow from then on."""
LATE = 0.5
"""Seconds in which a phone has to ring, on a machine that has attackers to feed as well."""
HELD = 500
"""Tasks, transactions or dialogs that the calls alone may need; a flood that left any would leave tens of thousands."""
TURN = 20.0
"""Seconds of one attack, about."""
MOST = 60.0
"""Minutes that can be asked for."""


async def main(minutes: float, rate: float, console: Console) -> int:
    """Warm up, attack, and show what it cost; returns the exit status."""
    table = Table("attack", "sent", "answered", "calls", "rang within", "RSS", "tasks", "transactions", "dialogs")
    with TemporaryDirectory(prefix="ringdove-attack-") as folder:
        async with Siege.open(Path(folder), strangers_rate="1000000", ladder="0") as siege:
            for _ in range(WARM_UP_CALLS):
                await siege.call()
            for attack in ATTACKS:  # for longer than what these calls leave is held
                async with siege.attacked(attack, WARM_UP, rate):
                    pass
            first = await siege.cost()
            _row(table, "before", {}, [], first)
            rounds = max(1, round(minutes * 60 / TURN / len(ATTACKS)))
            turn = minutes * 60 / rounds / len(ATTACKS)
            costs, late = [first], 0
            for attack in ATTACKS * rounds:
                rang: list[float] = []
                async with siege.attacked(attack, turn, rate) as done:
                    until = time.monotonic() + turn - 2
                    while time.monotonic() < until:
                        rang.append((await siege.call()).rang)
                        await asyncio.sleep(0.5)
                costs.append(await siege.cost())
                late += sum(seconds > LATE for seconds in rang)
                _row(table, attack, done, rang, costs[-1])
    console.print(table)
    grown = max(cost.rss for cost in costs) / first.rss - 1
    held = max(max(cost.tasks, cost.transactions, cost.dialogs) for cost in costs)
    console.print(f"RSS grew by {grown:.1%}; {late} calls rang late; at most {held} tasks, transactions or dialogs.")
    failed = grown > GROWTH or late > 0 or held > HELD
    console.print(
        "The server gave way." if failed else "The server held.", style="bold red" if failed else "bold green"
    )
    return int(failed)


def _row(table: Table, attack: str, done: dict[str, int], rang: list[float], cost: Cost) -> None:
    told = [str(done.get("sent", "")), str(done.get("heard", "")), str(len(rang))]
    slowest = f"{max(rang) * 1000:.0f} ms" if rang else ""
    table.add_row(
        attack,
        *told,
        slowest,
        f"{cost.rss / 2**20:.1f} MB",
        *map(str, (cost.tasks, cost.transactions, cost.dialogs)),
    )


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m attack", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help=f"in all, {MOST:g} at most")
    parser.add_argument("--rate", type=float, default=1500.0, help="datagrams a second")
    asked = parser.parse_args()
    if not 0 < asked.minutes <= MOST or not 0 < asked.rate <= 20_000:
        parser.error("more than this is asked for")
    return asked


if __name__ == "__main__":
    given = _asked()
    try:
        sys.exit(asyncio.run(main(given.minutes, given.rate, Console())))
    except KeyboardInterrupt:
        sys.exit("stopped")
