import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from deskwheel.settings import Settings
from tests.validate.annotation.scene import ANSWERS, EVIL, NOW, fill, many
from validate.annotation import entry, store
from validate.annotation.draw import Order, draw_plan
from validate.annotation.guide import QUESTIONS
from validate.annotation.server import COOKIE, MAX_BODY_BYTES, create_app

HERE = "http://127.0.0.1:8000"
ORDER = Order("random", "train", 6, ("rater-1", "rater-2"), seed=1)


class Clock:
    now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(settings: Settings, clock: Clock) -> TestClient:
    fill(settings, many(12))
    draw_plan(settings, ORDER, now=NOW)
    return TestClient(create_app(settings, clock=clock), base_url=HERE, follow_redirects=False)


def token(settings: Settings, key: str = "rater-1") -> str:
    return entry.token_of(entry.annotation_secret(settings.pipeline.secrets_dir), key)


def enter(client: TestClient, settings: Settings, key: str = "rater-1") -> None:
    client.cookies.clear()
    answer = client.post("/enter", data={"annotator": key, "token": token(settings, key)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a task goes, and what makes it valid."""
    place = re.search(r'action="(/tasks/[^"]+)"', page)
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    assert place
    assert mark
    return place[1], {"mark": mark[1], **{k: str(v) for k, v in ANSWERS.items()}, "save": "1"}


def test_nothing_is_shown_without_a_session(client: TestClient) -> None:
    for path in ("/", "/progress", "/tasks/task-1"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/enter")
    assert client.post("/tasks/task-1", data={}).status_code == 401
    assert client.get("/healthz").text == "ok\n"


@pytest.mark.parametrize("wrong", ["", "x", "rater-2"])
def test_a_token_opens_the_page_for_its_annotator_alone(
    client: TestClient, settings: Settings, wrong: str
) -> None:
    given = token(settings, wrong) if wrong == "rater-2" else wrong
    answer = client.post("/enter", data={"annotator": "rater-1", "token": given})
    assert answer.status_code == 401
    assert COOKIE not in answer.cookies


def test_secret_is_readable_by_its_owner_alone(settings: Settings) -> None:
    entry.annotation_secret(settings.pipeline.secrets_dir)
    path = Path(settings.pipeline.secrets_dir) / entry.KEY_FILE
    assert path.stat().st_mode & 0o077 == 0


def test_cookie_is_kept_from_scripts_and_other_sites(
    client: TestClient, settings: Settings
) -> None:
    answer = client.post("/enter", data={"annotator": "rater-1", "token": token(settings)})
    set_cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=strict" in set_cookie


def test_a_session_ends(client: TestClient, settings: Settings, clock: Clock) -> None:
    enter(client, settings)
    assert client.get("/").status_code == 200
    clock.now += entry.SESSION_S
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("change", ["rater-2.", ".x", "rater-1.9999999999."])
def test_a_forged_cookie_opens_nothing(client: TestClient, settings: Settings, change: str) -> None:
    enter(client, settings)
    real = client.cookies[COOKIE]
    client.cookies.clear()
    client.cookies.set(COOKIE, real + change if change == ".x" else change + real.split(".")[2])
    assert client.get("/").status_code == 303


def test_all_tasks_are_answered_one_by_one_and_stored(
    client: TestClient, settings: Settings
) -> None:
    tasks = [t for t in store.read_tasks(settings.pipeline.lake) if t.annotator_key == "rater-1"]
    enter(client, settings)
    for task in tasks:
        place, form = form_of(client.get("/").text)
        assert place == f"/tasks/{task.task_id}"
        assert client.post(place, data=form).status_code == 303
    assert "Nothing left to do" in client.get("/").text
    rows = store.read_annotations(settings.pipeline.lake)
    assert {r.example_id for r in rows} == {t.example_id for t in tasks}
    assert {(r.source, r.annotator_key, r.at) for r in rows} == {("page", "rater-1", NOW)}


def test_a_second_click_stores_nothing(client: TestClient, settings: Settings) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    assert [client.post(place, data=form).status_code for _ in range(2)] == [303, 303]
    assert len(store.read_annotations(settings.pipeline.lake)) == 1


def test_an_answer_can_be_looked_at_and_changed(
    client: TestClient, settings: Settings, clock: Clock
) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    client.post(place, data={**form, "comment": "good"})
    page = client.get(place).text
    assert page.count(" checked") == len(QUESTIONS)
    assert ">good</textarea>" in page
    clock.now += 60
    client.post(place, data={**form, "tone": "1"})
    (row,) = store.read_annotations(settings.pipeline.lake)
    assert row.tone == 1


def test_what_is_missing_is_said_and_what_was_chosen_is_kept(
    client: TestClient, settings: Settings
) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    form.pop("tone")
    answer = client.post(place, data={**form, "accuracy": "7", "comment": "a@b.example"})
    assert answer.status_code == 422
    assert "accuracy is &#39;7&#39;" in answer.text
    assert "personal data" in answer.text
    assert answer.text.count(" checked") == len(QUESTIONS) - 2
    assert store.read_annotations(settings.pipeline.lake) == []


def test_skipping_needs_no_answers_and_keeps_the_comment(
    client: TestClient, settings: Settings
) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    skip = {"mark": form["mark"], "skip": "1", "comment": "in French", "tone": "9"}
    assert client.post(place, data=skip).status_code == 303
    (row,) = store.read_annotations(settings.pipeline.lake)
    assert (row.is_skipped, row.comment, row.tone) == (True, "in French", None)
    leak = {**skip, "comment": "it says jane.roe@example.com"}
    assert client.post(place, data=leak).status_code == 422


def test_the_page_is_blind_and_escapes_texts(client: TestClient, settings: Settings) -> None:
    enter(client, settings)
    page = client.get("/").text
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    for hidden in ("quarantined", "suite-1", "subject-", "0.9", "gold", "train"):
        assert hidden not in page


def test_the_page_runs_only_its_own_script_and_works_without(
    client: TestClient, settings: Settings
) -> None:
    enter(client, settings)
    answer = client.get("/")
    nonce = re.search(r"script-src 'nonce-([^']+)'", answer.headers["content-security-policy"])
    assert nonce
    assert answer.text.count("<script") == 1
    assert f'<script nonce="{nonce[1]}">' in answer.text
    assert not re.search(r"\son[a-z]+=", answer.text)
    assert answer.text.count('type="radio"') == sum(len(q.values) or 14 for q in QUESTIONS)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_form_of_another_site_is_refused(
    client: TestClient, settings: Settings, origin: str
) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    assert client.post(place, data=form, headers={"origin": origin}).status_code == 403
    assert client.post(place, data=form, headers={"origin": HERE}).status_code == 303


def test_a_form_without_the_sessions_mark_is_refused(
    client: TestClient, settings: Settings
) -> None:
    enter(client, settings, "rater-2")
    _, other = form_of(client.get("/").text)
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    for mark in ("", "x", other["mark"]):
        assert client.post(place, data={**form, "mark": mark}).status_code == 403
    assert store.read_annotations(settings.pipeline.lake) == []


def test_somebody_elses_task_is_unknown(client: TestClient, settings: Settings) -> None:
    enter(client, settings, "rater-2")
    place, _ = form_of(client.get("/").text)
    enter(client, settings)
    _, form = form_of(client.get("/").text)
    assert client.get(place).status_code == 404
    assert client.post(place, data=form).status_code == 404


def test_forms_are_bounded(client: TestClient) -> None:
    assert client.post("/enter", content=b"a=" + b"x" * MAX_BODY_BYTES).status_code == 413
    assert client.post("/enter", content=b"a=1&" * 99).status_code == 400
    assert client.post("/enter", content=b"a=\xff").status_code == 400


def test_a_request_that_names_another_host_is_refused(client: TestClient) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400


def test_progress_counts_what_was_answered(client: TestClient, settings: Settings) -> None:
    enter(client, settings)
    place, form = form_of(client.get("/").text)
    client.post(place, data=form)
    page = client.get("/progress").text
    assert "1 of 1,000" in page
    assert "1,000 → 5,000 → 20,000" in page
    assert "<td>REFUND</td>" in page
    assert re.search(r"rater-1 · 1 of [34]<", client.get("/").text)


def test_leaving_ends_the_session(client: TestClient, settings: Settings) -> None:
    enter(client, settings)
    _, form = form_of(client.get("/").text)
    client.post("/leave", data={"mark": form["mark"]})
    assert client.get("/").status_code == 303
