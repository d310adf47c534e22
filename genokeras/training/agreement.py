"""Several hosts of a run stop after the same step, whichever of them was asked to."""

import time

from genokeras.training.devices import Devices
from genokeras.training.stopping import StopRequest

SECONDS_BETWEEN = 10.0  # A scheduler gives half a minute or more.


class Agreement:
    """Whether a run is to stop, on which its hosts agree about every `SECONDS_BETWEEN`.

    They wait for each other to do so, which would cost too much after every step. How many steps
    are made until the next time is measured, and agreed on as well: the first times after one, two,
    four steps, since nobody knows yet how long a step takes.
    """

    def __init__(self, devices: Devices):
        self._devices = devices
        self._every, self._agreed_at = 1, 0.0
        self._step: int | None = None

    def is_to_stop(self, step: int, request: StopRequest) -> bool:
        """Returns whether to stop after `step`; a request to any host becomes one to all."""
        if self._devices.num_hosts == 1:
            return bool(request)
        if self._step is not None and step - self._step < self._every:
            return False
        request.signal = max(self._devices.exchange(request.signal or 0)) or None
        # The exchange waited for the steps, which engines make beside the loop.
        now = time.monotonic()
        if self._step is not None:
            seconds = max(now - self._agreed_at, 1e-6) / (step - self._step)
            fitting = max(min(int(SECONDS_BETWEEN / seconds), 2 * self._every), 1)
            self._every = min(self._devices.exchange(fitting))
        self._step, self._agreed_at = step, now
        return bool(request)
