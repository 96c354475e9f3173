"""A limit on the time of what runs in this process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 5.0
_IMPORTED_SOON = 0.1


class OutOfTime(BaseException):
    """The limit was reached; no Exception, so that nobody handles it by accident."""


class Clock:
    """What :func:`time_limit` counts with; it can be stopped, such as for others' work."""

    def __init__(self, counts: bool) -> None:
        self._counts = counts
        self._left: float | None = None

    def pause(self) -> None:
        """Count no further."""
        if self._counts and self._left is None:
            left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
            self._left = max(left, _IMPORTED_SOON)

    def resume(self) -> None:
        """Go on where it was paused, if it was."""
        if self._left is not None:
            signal.setitimer(signal.ITIMER_REAL, self._left, _AGAIN)
            self._left = None


@contextmanager
def time_limit(seconds: float | None) -> Iterator[Clock]:
    """Raise :class:`OutOfTime` in the main thread after so many seconds.

    An import that is under way then is let finish: a module that was half executed would stay in
    ``sys.modules``, and fail whatever the same worker computes next.

    Parameters
    ----------
    seconds : float or None
        None: there is no limit, nor is there on a system without ``SIGALRM`` (Windows).

    Examples
    --------
    >>> with time_limit(60) as clock:
    ...     clock.pause()
    ...     print("nobody counts")
    ...     clock.resume()
    nobody counts
    """
    if seconds is None or not hasattr(signal, "SIGALRM"):
        yield Clock(False)
        return

    def ring(number: int, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            raise OutOfTime
        signal.setitimer(signal.ITIMER_REAL, _IMPORTED_SOON, _AGAIN)

    before = signal.signal(signal.SIGALRM, ring)
    # Rung again and again: Python ignores what is raised while it runs a __del__, say.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield Clock(True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
