"""The page on speed holds what the results say, and nothing else."""

import json

MACHINE = {"cpu": "Abacus", "cores": 2, "load_before": 0.1, "system": "Linux x86_64"}


def measured(median, low, high):
    return {"median": median, "ci95": [low, high]}


def test_the_page_is_that_of_the_results(benchmark):
    assert benchmark.PAGE.read_text() == benchmark.page(benchmark.RESULTS), (
        "run `python benchmarks/speed_table.py`"
    )


def test_a_table_of_training_by_hand(benchmark):
    setting = {
        "bases": 101,
        "batch_size": 32,
        "examples_per_second": {
            "genokeras": measured(12345.0, 12000.0, 13000.0),
            "torch_eager": measured(4115.0, 4000.0, 4200.0),
        },
        "times_as_fast_as": {"torch_eager": measured(3.0, 2.9, 3.111)},
        "share_of_matmul": {
            "genokeras": measured(0.714, 0.7, 0.72),
            "torch_eager": measured(0.238, 0.2, 0.3),
        },
        "input_wait_fraction": measured(0.0123, 0.01, 0.02),
    }
    text = benchmark.throughput({"preset": "conv_v2", "settings": [setting]})
    ours = "| 101 bp, batch 32 | genokeras | 12,300 [12,000, 13,000] |  | 71% |"
    theirs = "| 101 bp, batch 32 | PyTorch, eager | 4,120 [4,000, 4,200] | 3 [2.9, 3.11] | 24% |"
    assert text.splitlines()[-2:] == [ours, theirs]
    assert "waits for its input 1.2% of the time at most" in text


def test_a_table_of_steps_by_hand(benchmark):
    found = {
        "microseconds_per_step": {
            "bare": measured(140.0, 130.0, 150.0),
            "engine": measured(90.0, 85.0, 95.0),
        },
        "microseconds_more_than_bare": {"engine": measured(-50.0, -60.0, -40.0)},
    }
    assert benchmark.engine(found).splitlines()[-2:] == [
        "| `tf.function` by hand | 140 [130, 150] |  |",
        "| engine, the same step | 90 [85, 95] | -50 [-60, -40] |",
    ]
    assert "| jitted step by hand | 140 [130, 150] |  |" in benchmark.jax_engine(found)


def test_a_table_of_models_without_labels_by_hand(benchmark):
    scores = {
        "bases": 256,
        "batch_size": 64,
        "tokens_per_second": measured(28900.0, 28700.0, 29410.0),
        "share_of_roof": measured(0.386, 0.38, 0.39),
        "share_of_prepare": measured(0.00087, 0.0008, 0.001),
    }
    found = {"preset": "small", "models": {"mlm": scores}}
    text = benchmark.self_supervised(found | {"contrastive two/one": measured(1.045, 1.014, 1.075)})
    row = "| `mlm`, 256 bp, batch 64 | 28,900 [28,700, 29,400] | 39% | 0.09% |"
    assert text.splitlines()[-1] == row
    assert "at 1.04 [1.01, 1.07] times the rate of one" in text


def test_a_table_of_two_devices_by_hand(benchmark):
    found = {
        "preset": "fast",
        "bases": 101,
        "batch_size": 64,
        "examples_per_second": {
            "one": measured(1000.0, 990.0, 1010.0),
            "two": measured(940.0, 930.0, 950.0),
        },
        "ratio": {"two/one": measured(0.94, 0.93, 0.95)},
    }
    assert benchmark.replicas(found).splitlines()[-2:] == [
        "| one device | 1,000 [990, 1,010] |  |  |",
        "| two devices | 940 [930, 950] | 0.94 [0.93, 0.95] | one device |",
    ]


def test_a_table_of_whole_runs_by_hand(benchmark):
    run = {"seconds": measured(20.0, 19.0, 21.0), "peak_bytes": 1_500_000_000, "steps": 1000}
    found = {
        "data": "tf0",
        "runs": {
            "notebook": {**run, "auroc": [0.8, 0.9]},
            "fast": {**run, "auroc": [0.9]},
        },
        "share_of_the_time_of_the_notebook": {"fast": measured(1.0, 0.9, 1.1)},
    }
    assert benchmark.notebook(found).splitlines()[-2:] == [
        "| notebook | 20 [19, 21] |  | 1,000 | 0.850 | 1.50 GB |",
        "| two commands, preset `fast` | 20 [19, 21] | 1 [0.9, 1.1] | 1,000 | 0.900 | 1.50 GB |",
    ]


def test_a_benchmark_without_results_has_no_table(benchmark, tmp_path):
    found = {
        "machine": MACHINE,
        "microseconds_per_step": {"bare": measured(1.0, 1.0, 1.0)},
        "microseconds_more_than_bare": {},
    }
    (tmp_path / "engine.json").write_text(json.dumps(found))
    text = benchmark.page(tmp_path)
    assert text.count("\n## ") == 1
    assert text.endswith("2 cores of Abacus, Linux x86_64; load before the measurement 0.1.\n")


def test_a_table_of_windows_by_hand(benchmark):
    rates = {"write": 9000.0, "build": 3000.0, "loop_bytes": 1500.0, "loop_floats": 100.0}
    ratios = {"write": (6.0, 90.0), "build": (2.0, 30.0)}
    found = {
        "windows": 1234,
        "window_bp": 200,
        "stride_bp": 50,
        "bases": 61700,
        "file": "g.fa",
        "examples_per_second": {name: measured(rate, rate, rate) for name, rate in rates.items()},
        "ratio": {
            f"{name}_to_loop_{form}": measured(ratio, ratio, ratio)
            for name, pair in ratios.items()
            for form, ratio in zip(("bytes", "floats"), pair, strict=True)
        },
        "cut_mbp_per_second": measured(500.0, 400.0, 600.0),
        "memory": {"peak_bytes_by_stride": {"50": 100_000_000, "5": 120_000_000}},
    }
    text = benchmark.genome_windows(found)
    assert "| whole build | 3,000 [3,000, 3,000] | 2 [2, 2] | 30 [30, 30] |" in text
    assert "goes through 500 [400, 600] Mbp of window a second" in text
    assert "of a build is 100 MB, and 120 MB of one from ten times as many windows." in text
