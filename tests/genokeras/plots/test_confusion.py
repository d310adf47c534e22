from genokeras.plots import confusion
from genokeras.plots.confusion import Matrix

CELLS = {"tp": 6, "fn": 2, "fp": 1, "tn": 3}


def drawn(pictures, matrices):
    confusion.draw_confusion(matrices, "unused.png", "mine")
    return pictures.pop()


def test_rows_are_the_truth_and_shares_are_of_it(pictures):
    (ax,) = drawn(pictures, [Matrix("model", CELLS)]).axes
    found = {text.get_position(): text.get_text() for text in ax.texts}
    assert found == {
        (0, 0): "6\n75.0%",  # Positive, called so.
        (1, 0): "2\n25.0%",
        (0, 1): "1\n25.0%",
        (1, 1): "3\n75.0%",
    }
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Called", "True", "model")


def test_a_class_without_examples_has_shares_of_zero(pictures):
    (ax,) = drawn(pictures, [Matrix("model", CELLS | {"tp": 0, "fn": 0})]).axes
    assert ax.texts[0].get_text() == "0\n0.0%"


def test_the_title_says_how_many_were_left_out(pictures):
    picture = drawn(pictures, [Matrix(f"t{task}", CELLS) for task in range(14)])
    assert len(picture.axes) == 12
    assert picture.get_suptitle() == "mine (the first 12 of 14)"


def test_four_matrices_are_two_by_two(pictures):
    picture = drawn(pictures, [Matrix(f"t{task}", CELLS) for task in range(4)])
    assert picture.axes[0].get_gridspec().get_geometry() == (2, 2)
