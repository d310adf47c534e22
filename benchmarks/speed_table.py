"""Writes docs/speed.md from the results in benchmarks/results/.

python benchmarks/speed_table.py

No number of that page is typed by hand. A benchmark that has no results yet has no table there.
"""

import json
import pathlib

from pages import table

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
    """Returns what the engine adds to a step."""
    more = found["microseconds_more_than_bare"]
    rows = [
        (NAMES[name], number(micros), number(more[name]) if name in more else "")
        for name, micros in found["microseconds_per_step"].items()
    ]
    header = ("step of a model that computes nothing", "microseconds", "more than by hand")
    return "## What a step costs besides the network\n\n" + table(header, rows) + "\n"


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


def records(found: dict) -> str:
    """Returns the speed of writing and reading records."""
    kinds = {
        "writing": found["write"],
        "reading, every record verified": found["read"]["first_epoch_all_checksums"],
        "reading, later epochs": found["read"]["later_epochs"],
    }
    rows = [
        (
            kind,
            number(rates["examples_per_second"]),
            number(rates["reference_examples_per_second"]),
            number(rates["ratio"]),
        )
        for kind, rates in kinds.items()
    ]
    header = (f"{found['bases']} bp", "examples/s", "TensorFlow's own", "ratio")
    return "## Records\n\n" + table(header, rows) + "\n"


def bigwig(found: dict) -> str:
    """Returns the speed of binned values of a bigWig file."""
    kinds = {
        "end_to_end": "end to end",
        "overlapping": "each three quarters over the next",
        "scattered": "a tenth of those, at random",
    }
    rows = [
        (
            f"{way['num_windows']:,} windows, {kinds[name]}",
            number(way["windows_per_second"]),
            number(way["loop_windows_per_second"]),
            number(way["ratio"]),
        )
        for name, way in found["windows"].items()
    ]
    few, many = found["memory"]["peak_bytes"].values()
    sizes = f"{found['window_bp']} bp in bins of {found['bin_bp']}"
    header = (sizes, "windows/s", "loop", "ratio")
    return (
        "## Coverage from bigWig files\n\n"
        f"Means of the bins of windows over the {found['bases'] / 1e6:.1f} Mbp of "
        f"`{found['file']}`, beside a loop that asks pyBigWig for the values of each window; both "
        f"find the same numbers. Peak memory is {few / 1e6:.0f} MB for a tenth of the windows and "
        f"{many / 1e6:.0f} MB for all of them. Windows scattered over the file gain least.\n\n"
        + table(header, rows)
        + "\n"
    )


def long_windows(found: dict) -> str:
    """Returns the speed of reading long windows with coverage."""
    kinds = {
        "packed_all_checksums": "packed, every record verified",
        "packed_later_epochs": "packed, later epochs",
        "unpacked_later_epochs": "unpacked to float32, later epochs",
        "baskerville": "baskerville's way",
    }
    rows = [
        (
            kind,
            number(found["read"][name]["windows_per_second"]),
            number(found["read"][name]["ratio"]) if name != "baskerville" else "",
            number(found["read"][name]["cpu_ratio"]) if name != "baskerville" else "",
        )
        for name, kind in kinds.items()
    ]
    few, many = found["memory"]["peak_bytes"].items()
    header = (f"{found['bases']:,} bp", "windows/s", "ratio", "ratio of processor time")
    return (
        "## Long windows with coverage\n\n"
        f"Reading shuffled batches of {found['batch_size']} windows with {found['bins']} bins of "
        f"{found['tracks']} tracks in float16. What is packed goes to the device as it is; "
        "baskerville's way (ZLIB records, a map on one thread that parses, unpacks and casts) ends "
        "with float32 in memory, as our second last row does.\n\n" + table(header, rows) + "\n\n"
        f"Building such data from a bigWig, windows of {found['memory']['window_bp']:,} bp, takes "
        f"{few[1] / 1e6:.0f} MB at its peak for {int(few[0]):,} regions and {many[1] / 1e6:.0f} MB "
        f"for {int(many[0]):,}.\n"
    )


def genome_windows(found: dict) -> str:
    """Returns the speed of a build of windows of a genome."""
    kinds = {"write": "cut and written", "build": "whole build"}
    rates, ratios = found["examples_per_second"], found["ratio"]
    rows = [
        (
            kind,
            number(rates[name]),
            *(number(ratios[f"{name}_to_loop_{form}"]) for form in ("bytes", "floats")),
        )
        for name, kind in kinds.items()
    ]
    rows += [(f"loop, one-hot as {form}", number(rates[f"loop_{form}"]), "", "")
             for form in ("bytes", "floats")]  # fmt: skip
    once, ten_times = found["memory"]["peak_bytes_by_stride"].values()
    header = ("both strands", "examples/s", "times the loop, bytes", "times the loop, floats")
    return (
        "## Windows of a genome\n\n"
        f"{found['windows']:,} windows of {found['window_bp']} bp, one every {found['stride_bp']} "
        f"bp of the {found['bases'] / 1e6:.1f} Mbp of `{found['file']}`, beside a loop that "
        "fetches each with pyfaidx, makes it one-hot and writes a `tf.train.Example`. Seconds are "
        "of one core's own time. A whole build also looks for near duplicates between the splits, "
        "which takes most of it. Cutting windows out of the packed genome alone goes through "
        f"{number(found['cut_mbp_per_second'])} Mbp of window a second. Peak memory of a build is "
        f"{once / 1e6:.0f} MB, and {ten_times / 1e6:.0f} MB of one from ten times as many windows."
        "\n\n" + table(header, rows) + "\n"
    )


def conditions(found: dict) -> str:
    """Returns a line on the machine and on how busy it was."""
    machine = found["machine"]
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['system']}; load before the "
        f"measurement {machine['load_before']}."
    )


def number(measured: dict) -> str:
    """Returns a median with its interval, to three digits."""
    low, high = measured["ci95"]
    return f"{digits(measured['median'])} [{digits(low)}, {digits(high)}]"


def digits(value: float) -> str:
    """Returns a number to three digits, in thousands where it has some."""
    return f"{float(f'{value:.3g}'):,.10g}"


def percent(measured: dict) -> str:
    """Returns a share in whole percent."""
    return f"{100 * measured['median']:.0f}%"


SECTIONS = {
    "throughput": throughput,
    "engine": engine,
    "replicas": replicas,
    "notebook": notebook,
    "records": records,
    "bigwig": bigwig,
    "long_windows": long_windows,
    "genome_windows": genome_windows,
}

if __name__ == "__main__":
    main()
