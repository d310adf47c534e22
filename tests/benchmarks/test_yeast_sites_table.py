import json


def test_the_page_holds_what_the_results_say(benchmark):
    results = json.loads(benchmark.RESULTS.read_text())
    assert benchmark.filled(benchmark.PAGE.read_text(), results) == benchmark.PAGE.read_text()


def scored(value, low, high):
    scores = {"auroc": value, "auroc_ci": [low, high]}
    return scores | {"auprc": value / 2, "auprc_ci": [low / 2, high / 2]}


def protein(name, sites, lead):
    counts = {"train": {"positives": sites}, "test": {"positives": 50}}
    return {
        "protein": name,
        "examples": {"own": counts},
        "own": {
            "six_mers": scored(0.8, 0.7, 0.9),
            "alone": scored(0.85, 0.75, 0.95),
            "together": scored(0.85 + lead, 0.76, 0.96),
            "together_less_alone": scored(lead, lead - 0.01, lead + 0.01),
        },
    }


def test_fewest_sites_come_first_and_the_mean_last(benchmark):
    results = [protein("Many", 1234, -0.02), protein("Few", 70, 0.04)]
    _, _, few, many, mean = benchmark.scores_table(results, "own").splitlines()
    assert few == (
        "| Few | 70 / 50 | 0.800 [0.700, 0.900] | 0.850 [0.750, 0.950] | 0.890 [0.760, 0.960] "
        "| +0.040 [+0.030, +0.050] | +0.020 [+0.015, +0.025] |"
    )
    assert many.startswith("| Many | 1,234 / 50 |")
    assert many.endswith("| -0.020 [-0.030, -0.010] | -0.010 [-0.015, -0.005] |")
    assert mean == "| mean |  | 0.800 | 0.850 | 0.860 | +0.010 | +0.005 |"
