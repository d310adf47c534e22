import os
import signal
import subprocess
import sys
import threading

import pytest

from genokeras.training import stopping
from genokeras.training.stopping import Stopped, listening


def send(number):
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def handlers():
    """Those of a terminal, whatever the tests run in; those of before are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield {number: signal.getsignal(number) for number in before}
    for number, old in before.items():
        signal.signal(number, old)


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")]
)
def test_first_signal_is_noted(handlers, number, name):
    with listening() as request:
        assert not request
        send(number)
        assert request
        stopped = request.stopped(40)
    assert str(stopped) == f"stopped by {name} at step 40, saved; the same command goes on"
    assert stopped.signal == number
    assert {n: signal.getsignal(n) for n in handlers} == handlers


def test_signal_that_nobody_looks_for_yet_ends_at_once(handlers):
    message = "^stopped by SIGTERM before the first step; the same command starts again$"
    with pytest.raises(Stopped, match=message), listening(at_once=True):
        send(signal.SIGTERM)
    with listening(at_once=True) as request:
        request.at_once = False
        send(signal.SIGTERM)
        assert request
    assert {n: signal.getsignal(n) for n in handlers} == handlers


def test_what_goes_on_is_not_the_command_that_would_delete_the_run():
    with listening("the same command without --resume=never") as request:
        send(signal.SIGTERM)
    assert str(request.stopped(3)) == (
        "stopped by SIGTERM at step 3, saved; the same command without --resume=never goes on"
    )


def test_before_the_first_step_there_is_nothing_to_save():
    request = stopping.StopRequest()
    request.signal = signal.SIGTERM
    assert str(request.stopped(0)) == (
        "stopped by SIGTERM before the first step; the same command starts again"
    )


def interrupt_twice():
    with listening():
        send(signal.SIGINT)
        send(signal.SIGINT)


def test_second_ctrl_c_interrupts():
    with pytest.raises(KeyboardInterrupt) as error:
        interrupt_twice()
    assert type(error.value) is KeyboardInterrupt


def test_second_sigterm_ends_at_once():
    code = (
        "import os, signal\nfrom genokeras.training.stopping import listening\n"
        "with listening():\n    os.kill(os.getpid(), 15)\n    print('on', flush=True)\n"
        "    os.kill(os.getpid(), 15)\n    print('still on', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "on\n")


def test_own_handlers_come_back_also_after_an_error():
    def own(*_):
        pass

    signal.signal(signal.SIGTERM, own)
    with pytest.raises(LookupError), listening():
        raise LookupError
    assert signal.getsignal(signal.SIGTERM) is own


def test_what_is_ignored_stays_ignored():
    """As Ctrl-C is of a command in the background, or under nohup."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with listening() as request:
        send(signal.SIGINT)
        assert not request
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_change_no_handlers(handlers):
    found = []

    def work():
        with listening() as request:
            found.append((bool(request), {n: signal.getsignal(n) for n in handlers}))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, handlers)]


def test_stopped_is_not_taken_for_a_failure():
    """A loop over many runs catches `Exception`; being stopped must end it."""
    assert issubclass(Stopped, KeyboardInterrupt)
    assert not issubclass(Stopped, Exception)
