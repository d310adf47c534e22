"""Writes docs/speed.md from the results in benchmarks/results/.

python benchmarks/speed_table.py

No number of that page is typed by hand. A benchmark that has no results yet has no table there.
"""

import json
import pathlib

from pages import number, percent, table
from speed_data_tables import bigwig, genome_windows, long_windows, records

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "speed.md"
NAMES = {
    "genokeras": "genokeras",
    "keras_fit": "Keras `model.fit`",
    "torch_eager": "PyTorch, eager",
    "flax_jit": "Flax, jitted",
    "notebook": "notebook",
    "bare": "`tf.function` by hand",
    "engine": "engine, the same step",
    "engine_default": "engine, AdamW, clipping, averaged weights",
    "engine_ten": "engine, `steps_per_execution=10`",
    "trainer": "trainer: reading and logging as well",
}
WAYS = {
    "one": "one device",
    "two": "two devices",
    "one_jit": "one device, XLA",
    "two_jit": "two devices, XLA",
    "one_bf16": "one device, bfloat16",
    "one_bf16_jit": "one device, bfloat16, XLA",
}
INTRODUCTION = """\
# Speed

Each row is the median of rounds in which the compared programs took turns on the same machine; the
brackets hold its 95% bootstrap interval. `make bench` measures anew and writes this page; the
first lines of each script in `benchmarks/` say exactly what is compared.
"""


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(RESULTS))


def page(results: pathlib.Path) -> str:
    """Returns the page that belongs to the results in a folder."""
    parts = [INTRODUCTION]
    for name, section in SECTIONS.items():
        path = results / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            parts.append(f"{section(found)}\n{conditions(found)}\n")
    return "\n".join(parts)


def throughput(found: dict) -> str:
    """Returns training speed beside peers."""
    rows = [
        (
            f"{setting['bases']} bp, batch {setting['batch_size']}",
            NAMES[name],
            number(rate),
            number(setting["times_as_fast_as"][name]) if name != "genokeras" else "",
            percent(setting["share_of_matmul"][name]),
        )
        for setting in found["settings"]
        for name, rate in setting["examples_per_second"].items()
    ]
    waits = [setting["input_wait_fraction"]["median"] for setting in found["settings"]]
    return (
        "## Training\n\n"
        f"Preset `{found['preset']}`: the same network, initial weights and loss in all. Ours "
        "reads records and turns strands as in every run; the peers slice float arrays in memory. "
        f"Our engine waits for its input {100 * max(waits):.2g}% of the time at most.\n\n"
        + table(
            ("setting", "program", "examples/s", "ours is faster by", "share of matmul peak"), rows
        )
        + "\n"
    )


def engine(found: dict) -> str:
    """Returns what the TensorFlow engine adds to a step."""
    return f"## What a step costs besides the network\n\n{_overhead(found, NAMES)}\n"


def jax_engine(found: dict) -> str:
    """Returns what the JAX engine adds to a step."""
    names = NAMES | {"bare": "jitted step by hand"}
    return f"## The same of the JAX engine\n\n{_overhead(found, names)}\n"


def _overhead(found: dict, names: dict[str, str]) -> str:
    more = found["microseconds_more_than_bare"]
    rows = [
        (
            names[name],
            number(micros),
            number(more[name]) if name in more else "",
        )
        for name, micros in found["microseconds_per_step"].items()
    ]
    header = ("step of a model that computes nothing", "microseconds", "more than by hand")
    return table(header, rows)


def replicas(found: dict) -> str:
    """Returns what two devices, XLA and 16-bit numbers give."""
    ratios = {pair.split("/")[0]: (pair, ratio) for pair, ratio in found["ratio"].items()}
    rows = [
        (
            WAYS[way],
            number(rate),
            number(ratios[way][1]) if way in ratios else "",
            WAYS[ratios[way][0].split("/")[1]] if way in ratios else "",
        )
        for way, rate in found["examples_per_second"].items()
    ]
    header = (f"{found['bases']} bp, batch {found['batch_size']}", "examples/s", "ratio", "to")
    return (
        "## Several devices, XLA, 16 bits\n\n"
        f"Steps of preset `{found['preset']}` with layer norm. The two devices are logical ones of "
        "the same processor, so their ratio to one device is what sharing a batch costs.\n\n"
        + table(header, rows)
        + "\n"
    )


def self_supervised(found: dict) -> str:
    """Returns the speed of models that learn without labels."""
    rows = [
        (
            f"`{name}`, {scores['bases']} bp, batch {scores['batch_size']}",
            number(scores["tokens_per_second"]),
            percent(scores["share_of_roof"]),
            f"{100 * scores['share_of_prepare']['median']:.2f}%",
        )
        for name, scores in found["models"].items()
    ]
    header = ("steps of training", "bases/s", "share of matmul peak", "hiding and varying DNA")
    return (
        "## Learning without labels\n\n"
        f"Preset `{found['preset']}`, on bases that pass through the encoder, two views of each "
        "window of a contrastive batch. The last column is the share of a step that it takes to "
        "unpack, shift, hide and vary DNA. Two logical devices on the same processor, each told "
        "from the windows of the other as well, make contrastive steps at "
        f"{number(found['contrastive two/one'])} times the rate of one.\n\n"
        + table(header, rows)
        + "\n"
    )


def notebook(found: dict) -> str:
    """Returns the time from a table to a score."""
    shares = found["share_of_the_time_of_the_notebook"]
    rows = [
        (
            NAMES.get(name, f"two commands, preset `{name}`"),
            number(run["seconds"]),
            number(shares[name]) if name in shares else "",
            f"{run['steps']:,}",
            f"{sum(run['auroc']) / len(run['auroc']):.3f}",
            f"{run['peak_bytes'] / 1e9:.2f} GB",
        )
        for name, run in found["runs"].items()
    ]
    header = ("way", "seconds", "times the notebook's", "steps", "test AUROC", "peak memory")
    return (
        "## From a table to a scored model\n\n"
        "`build_dataset` and `train --evaluate=test` (with intervals, a baseline and the report) "
        f"beside a notebook that trains the network of `conv_v2`; data `{found['data']}`.\n\n"
        + table(header, rows)
        + "\n"
    )


def conditions(found: dict) -> str:
    """Returns a line on the machine and on how busy it was."""
    machine = found["machine"]
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['system']}; load before the "
        f"measurement {machine['load_before']}."
    )


SECTIONS = {
    "throughput": throughput,
    "engine": engine,
    "jax_engine": jax_engine,
    "replicas": replicas,
    "self_supervised": self_supervised,
    "notebook": notebook,
    "records": records,
    "bigwig": bigwig,
    "long_windows": long_windows,
    "genome_windows": genome_windows,
}

if __name__ == "__main__":
    main()
