from xml.etree import ElementTree

from tests.train.tune.toys import search, trial
from train.tune.kept import Search
from train.tune.plot import losses_picture


def elements(found: Search, name: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(losses_picture(found))  # noqa: S314  our own text
    return [e for e in root.iter() if e.tag.endswith(name)]


def test_a_trial_is_a_line_and_a_stopped_one_ends_in_a_cross() -> None:
    found = search(
        trial(1, 2.0, 1.5, 1.2), trial(2, 3.0, end="stopped"), trial(3, end="diverged"),
        base_model="a <b>",
    )  # fmt: skip
    lines = elements(found, "polyline")
    assert [e.get("class") for e in lines] == ["best", "stopped"]
    assert len(elements(found, "path")) == 1
    assert any("a <b>" in (e.text or "") for e in elements(found, "text"))


def test_a_hopeless_trial_does_not_press_the_others_flat() -> None:
    found = search(trial(1, 2.0, 1.0), trial(2, 2.0, 1.1), trial(3, 900.0, 800.0))
    best, _, worst = (
        [float(p.split(",")[1]) for p in str(e.get("points")).split()]
        for e in elements(found, "polyline")
    )
    assert best[1] - best[0] > 100
    assert worst[0] == worst[1]


def test_a_search_without_a_look_at_dev_can_be_drawn() -> None:
    assert len(elements(search(trial(1, end="failed")), "text")) == 1
