from xml.etree import ElementTree

from train.trigger.plot import cost_chart


def test_a_chart_has_a_dot_and_a_name_for_each_policy() -> None:
    text = cost_chart([(10, 3.5, "a < b"), (100, 0.4, "amount")])
    root = ElementTree.fromstring(text)  # noqa: S314  our own text
    circles = [e for e in root.iter() if e.tag.endswith("circle")]
    names = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert len(circles) == 2
    assert {"a < b", "amount"} <= set(names)


def test_a_dot_lies_by_the_axes_where_its_cost_and_age_are() -> None:
    root = ElementTree.fromstring(cost_chart([(50, 4, "a"), (100, 2, "b")]))  # noqa: S314
    dots = [
        (float(e.get("cx")), float(e.get("cy"))) for e in root.iter() if e.tag.endswith("circle")
    ]
    labels = {e.text: e for e in root.iter() if e.tag.endswith("text")}
    heights = {float(e.get("y1")) for e in root.iter() if e.tag.endswith("line") and e.get("y1")}
    (cheap_x, old_y), (dear_x, young_y) = dots
    assert cheap_x == float(labels["50"].get("x"))
    assert dear_x == float(labels["100"].get("x"))
    assert {old_y, young_y} <= heights, "4 and 2 days are on grid lines"
    assert old_y < young_y, "older is higher"
    assert float(labels["4"].get("y")) == old_y + 4


def test_a_chart_of_policies_that_never_fired_can_be_drawn() -> None:
    ElementTree.fromstring(cost_chart([(0, 0, "never")]))  # noqa: S314  our own text
