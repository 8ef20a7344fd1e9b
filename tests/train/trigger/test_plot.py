from xml.etree import ElementTree

from train.trigger.plot import cost_chart


def test_a_chart_has_a_dot_and_a_name_for_each_policy() -> None:
    text = cost_chart([(10, 3.5, "a < b"), (100, 0.4, "amount")])
    root = ElementTree.fromstring(text)  # noqa: S314  our own text
    circles = [e for e in root.iter() if e.tag.endswith("circle")]
    names = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert len(circles) == 2
    assert {"a < b", "amount"} <= set(names)


def test_a_chart_of_policies_that_never_fired_can_be_drawn() -> None:
    ElementTree.fromstring(cost_chart([(0, 0, "never")]))  # noqa: S314  our own text
