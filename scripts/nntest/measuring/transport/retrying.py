"""A transport that repeats what a lost link interrupted, once the board is back.

Only for calls that may run twice, as all of a sweep's are: files are put in place whole, and
the runner on the board, asked to start a second time, is found running.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from nntest.measuring.transport.base import Completed, Transport, TransportError
from nntest.measuring.transport.retry import Patience, with_retries
from nntest.measuring.transport.ssh_errors import AuthenticationFailed, NotAnSshServer

Result = TypeVar("Result")


def _passes_on_return(error: TransportError) -> bool:
    return error.retryable or isinstance(error, AuthenticationFailed | NotAnSshServer)


class RetryingTransport(Transport):
    """Repeats each call of another transport after a lost link, for as long as `patience_s`.

    `on_retry` is called for each failure that is followed by another attempt, `last_resort` where
    patience ends (see `with_retries`).
    A board that is coming back may not know its keys yet, or something else may answer on its port:
    that is waited out too, since we have been logged in before.
    """

    def __init__(
        self,
        inner: Transport,
        patience_s: float,
        on_retry: Callable[[TransportError], None],
        last_resort: Callable[[TransportError], bool] = lambda error: False,
    ) -> None:
        self._inner = inner
        self._on_retry = on_retry
        self._last_resort = last_resort
        self._patience = Patience.lasting(patience_s, first_pause_s=1.0)

    def _retried(self, action: Callable[[], Result]) -> Result:
        return with_retries(
            action,
            self._patience,
            on_retry=self._on_retry,
            may_pass=_passes_on_return,
            last_resort=self._last_resort,
        )

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """See `Transport.run`."""
        return self._retried(
            lambda: self._inner.run(argv, timeout_s=timeout_s, environment=environment)
        )

    def put(self, source: Path, target: str) -> None:
        """See `Transport.put`."""
        self._retried(lambda: self._inner.put(source, target))

    def get(self, source: str, target: Path) -> None:
        """See `Transport.get`."""
        self._retried(lambda: self._inner.get(source, target))

    def write(self, target: str, content: bytes) -> None:
        """See `Transport.write`."""
        self._retried(lambda: self._inner.write(target, content))

    def read(self, source: str) -> bytes | None:
        """See `Transport.read`."""
        return self._retried(lambda: self._inner.read(source))

    def close(self) -> None:
        """See `Transport.close`."""
        self._inner.close()
