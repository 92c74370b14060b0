"""Colors of classes: their own if they are named after colors, else a palette."""

from service.evaluation.shades import OTHERS, shades


def test_classes_named_after_colors_are_drawn_in_them() -> None:
    assert shades({"Red": 3, "teal": 1}) == {"Red": "#ff0000", "teal": "#008080"}


def test_one_class_of_another_kind_gives_all_of_them_a_palette() -> None:
    found = shades({"red": 3, "striped": 1})
    assert found["red"] != "#ff0000"
    assert len(set(found.values())) == 2
    assert OTHERS not in found.values()


def test_largest_classes_have_a_color_each_and_the_rest_share_one() -> None:
    counts = {f"class {at}": at for at in range(20)}
    found = shades(counts)
    assert list(found) == list(counts)
    own = [found[f"class {at}"] for at in range(8, 20)]
    assert len(set(own)) == 12
    assert {found[f"class {at}"] for at in range(8)} == {OTHERS}
