"""The tables of docs/speed.md on reading and writing data; `speed_table.py` writes the page."""

from pages import number, table


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
