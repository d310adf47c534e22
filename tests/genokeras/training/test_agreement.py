import signal
import types

import pytest

from genokeras.training import agreement
from genokeras.training.agreement import Agreement
from genokeras.training.stopping import StopRequest


class Host:
    """One of two hosts; the other one gives what `other` makes of this one's value."""

    def __init__(self, other=lambda value: value, num_hosts=2):
        self.num_hosts, self.other, self.given = num_hosts, other, []

    def exchange(self, value):
        self.given.append(value)
        return [value, self.other(value)]


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(agreement, "time", clock)
    return clock


def steps_of_exchanges(host, clock, seconds_per_step, steps):
    agreed, found, before = Agreement(host), [], 0
    for step in range(steps):
        assert not agreed.is_to_stop(step, StopRequest())
        if len(host.given) > before:
            found.append(step)
        before = len(host.given)
        clock.now += seconds_per_step
    return found


def test_hosts_agree_about_every_ten_seconds(clock):
    assert steps_of_exchanges(Host(), clock, 0.5, 80) == [0, 1, 3, 7, 15, 31, 51, 71]


def test_the_slower_host_counts(clock):
    slower = Host(lambda value: value and min(value, 5))
    assert steps_of_exchanges(slower, clock, 0.5, 30) == [0, 1, 3, 7, 12, 17, 22, 27]


def test_steps_that_take_longer_are_followed_by_an_agreement_each(clock):
    assert steps_of_exchanges(Host(), clock, 60.0, 4) == [0, 1, 2, 3]


def test_calls_of_several_steps_are_never_cut(clock):
    host, agreed = Host(), None
    agreed, found = Agreement(host), []
    for step in range(0, 60, 6):
        before = len(host.given)
        agreed.is_to_stop(step, StopRequest())
        found += [step] * (len(host.given) > before)
        clock.now += 6.0
    assert found == [0, 6, 12, 18, 30, 42, 54]


def test_request_to_one_host_is_one_to_all(clock):
    request = StopRequest()
    assert Agreement(Host(lambda value: signal.SIGTERM)).is_to_stop(0, request)
    assert request.signal == signal.SIGTERM
    request = StopRequest()
    request.signal = signal.SIGINT
    host = Host(lambda value: 0)
    assert Agreement(host).is_to_stop(0, request)
    assert host.given == [signal.SIGINT]


def test_one_host_asks_nobody():
    host, request = Host(num_hosts=1), StopRequest()
    agreed = Agreement(host)
    assert not agreed.is_to_stop(0, request)
    request.signal = signal.SIGTERM
    assert agreed.is_to_stop(0, request)
    assert host.given == []
