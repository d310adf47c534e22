import json


def test_the_page_holds_what_the_results_say(benchmark):
    results = json.loads(benchmark.RESULTS.read_text())
    assert benchmark.filled(benchmark.PAGE.read_text(), results) == benchmark.PAGE.read_text()


def test_the_best_comes_first_with_its_interval(benchmark):
    scores = {
        "gc": {"pearson_r": 0.25, "pearson_r_ci": [0.2, 0.3], "spearman_r": 0.1}
        | {"spearman_r_ci": [0.05, 0.15]}
        | {"behind": 0.5, "behind_ci": [0.4, 0.6]},
        "model": {"pearson_r": 0.75, "pearson_r_ci": [0.7, 0.8], "spearman_r": 0.5}
        | {"spearman_r_ci": [0.4, 0.6]}
        | {"behind": 0.0, "behind_ci": [0.0, 0.0]},
    }
    chosen = {"gc": {"around_bp": 480}}
    results = {"scores": scores, "chosen": chosen, "preset": "base", "steps": 300}
    assert benchmark.scores_table(results).splitlines()[2:] == [
        "| `track`, preset `base`, 300 steps | 0.750 [0.700, 0.800] |  | 0.500 [0.400, 0.600] |",
        "| share of G and C in 480 bp | 0.250 [0.200, 0.300] | 0.500 [0.400, 0.600] "
        "| 0.100 [0.050, 0.150] |",
    ]
