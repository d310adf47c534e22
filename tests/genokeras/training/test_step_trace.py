"""Which steps are traced and what becomes of the trace, with devices that write a text instead."""

import contextlib
import types

import pytest

from genokeras.training.chunks import chunk_sizes
from genokeras.training.runtime import Runtime
from genokeras.training.step_trace import TRACES, StepTrace
from genokeras.training.summaries import Summaries
from genokeras.training.train_config import Plan
from tfrecords.errors import InputError


class Devices:
    """Writes, as a trace, the first steps of the calls that were made in it."""

    def __init__(self, host=0, is_writing=True):
        self.host, self.is_writing = host, is_writing

    @contextlib.contextmanager
    def trace(self, folder):
        named = []

        def name(step):
            named.append(str(step))
            return contextlib.nullcontext()

        try:
            yield name
        finally:
            if self.is_writing:
                written = folder / "plugins" / "profile" / "now"
                written.mkdir(parents=True)
                (written / "host.xplane.pb").write_text(" ".join(named))


def make_job(workdir, wanted, steps=12, call=1, log=None, **devices):
    plan = Plan(
        steps=steps,
        steps_per_epoch=5,
        warmup_steps=0,
        log_every=steps,
        eval_every=steps,
        checkpoint_every=steps,
    )
    return types.SimpleNamespace(
        steps_to_trace=Runtime(profile_steps=wanted).steps_to_trace,
        workdir=workdir,
        devices=Devices(**devices),
        plan=plan,
        training=types.SimpleNamespace(steps_per_execution=call, histograms=False),
        log=(lambda line: None) if log is None else log.append,
    )


def go_on(job, step=0, until=None):
    """Makes the steps of a run, up to `until` or to its end; returns after which a trace ended."""
    trace, ended = StepTrace(job), []
    until = until or job.plan.steps
    with trace.during(step):
        for size in chunk_sizes(step, job.plan, job.training.steps_per_execution):
            with trace.call():
                step += size
            if trace.made(step, {"loss": 0.5}):
                ended.append(step)
            if step >= until:
                break
    return ended


def traces(workdir):
    """Returns the names of the traces in a work folder, and the steps that each of them names."""
    found = {path.name: (path / "host.xplane.pb") for path in (workdir / TRACES).glob("*")}
    assert list(workdir.rglob(".*")) == []
    return {name: path.read_text() for name, path in found.items()}


def test_steps_that_were_asked_for_are_traced(tmp_path):
    log = []
    assert go_on(make_job(tmp_path, "3:5", log=log)) == [5]
    assert traces(tmp_path) == {"steps-3-5": "3 4 5"}
    assert log == [
        f"Trace of steps 3 to 5: {tmp_path}/tensorboard/plugins/profile/steps-3-5; to look at it, "
        f"install tensorboard-plugin-profile and start tensorboard --logdir {tmp_path}"
    ]


def test_steps_of_one_call_are_traced_together(tmp_path):
    assert go_on(make_job(tmp_path, "6:9", call=4)) == [12]
    assert traces(tmp_path) == {"steps-5-12": "5 9"}


def test_one_step_can_be_traced(tmp_path):
    assert go_on(make_job(tmp_path, "1:1")) == [1]
    assert traces(tmp_path) == {"steps-1-1": "1"}


@pytest.mark.parametrize(
    ("wanted", "step", "reason"),
    [
        ("13:14", 0, "the run has 12 steps"),
        ("3:5", 5, "the run goes on from step 5"),
        ("3:5", 7, "the run goes on from step 7"),
        ("11:12", 0, "the run stopped at step 9"),
    ],
)
def test_steps_that_are_not_made_are_said(tmp_path, wanted, step, reason):
    log = []
    go_on(make_job(tmp_path, wanted, log=log), step, until=9)
    assert traces(tmp_path) == {}
    assert log == [f"profile_steps={wanted}: no trace was taken, since {reason}"]


def test_trace_that_is_cut_short_is_kept_and_that_of_the_rest_beside_it(tmp_path):
    job = make_job(tmp_path, "3:9")
    assert go_on(job, until=6) == []
    assert go_on(job, step=6) == [9]
    assert traces(tmp_path) == {"steps-3-6": "3 4 5 6", "steps-7-9": "7 8 9"}
    assert go_on(make_job(tmp_path, "11:20")) == []
    assert "steps-11-12" in traces(tmp_path)


def test_steps_made_again_after_a_kill_are_traced_anew(tmp_path):
    (tmp_path / ".writing.trace" / "plugins").mkdir(parents=True)
    go_on(make_job(tmp_path, "3:5"))
    (tmp_path / TRACES / "steps-3-5" / "host.xplane.pb").write_text("old")
    go_on(make_job(tmp_path, "3:5"), step=1)
    assert traces(tmp_path) == {"steps-3-5": "3 4 5"}


def test_error_in_a_step_passes_and_the_steps_before_it_are_kept(tmp_path):
    def fail_in_third(trace):
        with trace.during(0):
            for step in (1, 2, 3):
                with trace.call():
                    1 / (3 - step)
                trace.made(step, {"loss": 0.5})

    with pytest.raises(ZeroDivisionError):
        fail_in_third(StepTrace(make_job(tmp_path, "1:9")))
    assert traces(tmp_path) == {"steps-1-2": "1 2 3"}


def test_trace_without_a_step_or_without_a_file_is_none(tmp_path):
    trace = StepTrace(make_job(tmp_path, "1:9"))
    with pytest.raises(ZeroDivisionError), trace.during(0), trace.call():
        raise ZeroDivisionError
    log = []
    go_on(make_job(tmp_path, "1:9", log=log, is_writing=False))
    assert traces(tmp_path) == {}
    assert log == ["profile_steps=1:9: no trace was taken, since the profiler wrote none"]


def test_curves_that_go_back_to_a_checkpoint_leave_traces_alone(tmp_path):
    go_on(make_job(tmp_path, "3:5"))
    curves = tmp_path / "tensorboard" / "events.out.tfevents.1.host.1"
    curves.write_bytes(b"beyond the checkpoint")
    Summaries(tmp_path).rewind({"rows": [], "events": [], "sizes": {}})
    assert not curves.exists()
    assert traces(tmp_path) == {"steps-3-5": "3 4 5"}


def test_only_the_first_host_takes_a_trace(tmp_path):
    assert go_on(make_job(tmp_path, "3:5", host=1)) == []
    assert traces(tmp_path) == {}


def test_file_in_the_way_is_named(tmp_path):
    (tmp_path / "tensorboard").write_text("no folder")
    with pytest.raises(OSError, match="tensorboard"):
        go_on(make_job(tmp_path, "3:5"))
    assert not (tmp_path / ".writing.trace").exists()


@pytest.mark.parametrize("text", ["5", "0:3", "5:4", "a:b", "1:2:3"])
def test_interval_that_is_none_is_refused(text):
    with pytest.raises(InputError) as error:
        Runtime(profile_steps=text)
    expected = "FIRST:LAST, two steps, counted from 1"
    assert str(error.value) == f"profile_steps={text!r}: expected {expected}"
