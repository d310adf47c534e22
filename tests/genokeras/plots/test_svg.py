import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from genokeras.plots.svg import HEIGHT, WIDTH, Axis, Chart, thinned

UNIT = Axis("x", 0, 1), Axis("y", 0, 1)
LEFT, RIGHT, TOP, BOTTOM = 52, WIDTH - 12, 26, HEIGHT - 42


def parse(chart):
    return ET.fromstring(f"<div>{chart.svg()}</div>")


def paths(chart, kind):
    return [e.get("d") for e in parse(chart).iter("path") if e.get("class") == kind]


def test_corners_of_the_unit_square_are_corners_of_the_frame():
    chart = Chart("t", *UNIT).line([(0, 0), (1, 1)], "model")
    assert paths(chart, "line model") == [f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}"]


def test_steps_rise_before_they_go_on():
    chart = Chart("t", *UNIT).line([(0, 0), (1, 1)], "model", steps=True)
    assert paths(chart, "line model") == [f"M{LEFT} {BOTTOM}V{TOP}H{RIGHT}"]


def test_whiskers_stand_upright():
    chart = Chart("t", *UNIT).whiskers([(0, 0, 1)], "baseline")
    assert paths(chart, "whisker baseline") == [f"M{LEFT} {TOP}V{BOTTOM}"]


def test_dots_and_what_is_not_finite():
    chart = Chart("t", *UNIT).dots([(0, 1), (np.nan, 0.5), (0.5, np.inf)], "third")
    (dot,) = parse(chart).iter("circle")
    assert (float(dot.get("cx")), float(dot.get("cy"))) == (LEFT, TOP)
    assert "nan" not in chart.svg()
    assert paths(Chart("t", *UNIT).line([(np.nan, 1)], "model"), "line model") == []


def test_lines_and_areas_have_gaps_where_something_is_missing():
    points = [(np.nan, 0), (0, 0), (0.5, 1), (0.75, np.nan), (1, 1)]
    chart = Chart("t", *UNIT).line(points, "model").area(points, "seen")
    middle = (LEFT + RIGHT) // 2
    assert paths(chart, "line model") == [f"M{LEFT} {BOTTOM}L{middle} {TOP}M{RIGHT} {TOP}"]
    assert paths(chart, "area") == [
        f"M{LEFT} {BOTTOM}L{LEFT} {BOTTOM}L{middle} {TOP}V{BOTTOM}Z"
        f"M{RIGHT} {BOTTOM}L{RIGHT} {TOP}V{BOTTOM}Z"
    ]
    assert 'class="key area"' in chart.svg()
    assert paths(Chart("t", *UNIT).area([(np.nan, 1)]), "area") == []


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 800, ["0", "200", "400", "600", "800"]),
        (0.86, 0.93, ["0.86", "0.88", "0.90", "0.92"]),
        (-1, 1, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
    ],
)
def test_ticks_are_round_numbers(low, high, texts):
    assert [text for _, text in Axis("x", low, high).ticks()] == texts


def test_an_axis_around_values_holds_them_and_is_never_empty():
    axis = Axis.around("x", [1.0, None, float("nan"), 3.0], margin=0.5)
    assert (axis.low, axis.high) == (0.0, 4.0)
    for values in ([2.0, 2.0], [0.0], []):
        axis = Axis.around("x", values)
        assert axis.low < axis.high
        assert axis.ticks()


def test_texts_are_escaped_and_no_colour_is_fixed():
    chart = Chart("<b>t</b>", Axis("a & b", 0, 1), Axis("y", 0, 1, [(0.5, "<i>")]))
    chart.line([(0, 0), (1, 1)], "model", "model <1>")
    root = parse(chart)
    assert not {"b", "i"} & {e.tag for e in root.iter() if e.get("class") is None}
    assert [e.text for e in root.iter("text") if e.get("class") == "title"] == ["<b>t</b>"]
    assert not re.search(r"#[0-9a-f]{3}|rgb|fill=|stroke=", chart.svg())


def test_the_legend_names_what_has_a_name():
    chart = Chart("t", *UNIT).line([(0, 0)], "model", "ours").reference([(0, 0), (1, 1)])
    items = ["".join(item.itertext()) for item in parse(chart).iter("li")]
    assert items == ["ours"]


def test_long_lines_are_thinned_and_keep_their_ends():
    points = np.stack([np.arange(5000), np.arange(5000)], axis=1)
    assert len(thinned(points)) == 400
    assert tuple(thinned(points)[0]) == (0, 0)
    assert tuple(thinned(points)[-1]) == (4999, 4999)
    assert len(thinned(points[:3])) == 3
    assert len(thinned(points[:0])) == 0
