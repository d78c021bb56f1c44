"""NOTIFYs on their way, and what became of them."""

from collections import Counter
from collections.abc import Callable, Iterable

from ringdove.net.endpoint import Endpoint, Failure
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response

from .package import Package


class Outgoing:
    """Sends NOTIFYs for all packages."""

    def __init__(self, endpoint: Endpoint, events: Iterable[str]) -> None:
        self.endpoint = endpoint
        self.allowed = "Allow-Events", ", ".join(sorted(events))
        """What can be subscribed to here, as each NOTIFY and each answer says."""
        self.notified: Counter[tuple[str, str]] = Counter()
        """By the package, and by the class of the response, such as `2xx`, or `none`."""

    def send(
        self,
        package: Package,
        request: Request,
        hop: Hop,
        over: Callable[[int], None],
        heard: Callable[[Response], None] = lambda _: None,
    ) -> None:
        """Send a NOTIFY; `heard` gets its final response, then `over` the status, 408 where none came."""

        def answered(response: Response) -> None:
            if response.is_final:
                self.notified[package.event, f"{response.status // 100}xx"] += 1
                heard(response)
                over(response.status)

        def failed(_: Failure) -> None:
            self.notified[package.event, "none"] += 1
            over(408)

        self.endpoint.send_request(request, hop, on_response=answered, on_failure=failed)
