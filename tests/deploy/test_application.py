import json
from typing import Any

import pytest

from deploy.rollback import take_out
from deploy.roster import PROMPT_BOT
from deskwheel.ids import subject_key
from tests.deploy.conftest import NOW, Shop, put_to_test


def chunks(body: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_answer_has_the_shape_of_a_chat_completion(shop: Shop) -> None:
    answer = shop.ask(text="Where is my parcel?")
    body = answer.json()
    assert answer.status_code == 200
    assert body["id"].startswith("chatcmpl-")
    assert (body["object"], body["model"]) == ("chat.completion", "support")
    assert body["created"] == int(NOW.timestamp())
    choice = body["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "a fake answer of prompt-bot"}
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
    assert answer.headers["x-deskwheel-variant"] == PROMPT_BOT
    assert shop.meter.replies == [PROMPT_BOT]


def test_stream_carries_the_same_answer_in_chunks(shop: Shop) -> None:
    answer = shop.ask(stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-deskwheel-variant"] == PROMPT_BOT
    *parts, counts = chunks(answer.text)
    assert {part["object"] for part in parts} == {"chat.completion.chunk"}
    assert len({part["id"] for part in parts}) == 1
    deltas = [part["choices"][0]["delta"] for part in parts]
    assert deltas[0]["role"] == "assistant"
    assert "".join(d.get("content", "") for d in deltas) == "a fake answer of prompt-bot"
    assert len(deltas) > 3
    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    assert (counts["choices"], counts["usage"]["completion_tokens"]) == ([], 5)


def test_max_tokens_cuts_the_answer_and_says_so(shop: Shop) -> None:
    choice = shop.ask(max_tokens=2).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("a fake", "length")


def test_operators_limit_wins_over_the_callers(shop: Shop) -> None:
    shop.ask(max_tokens=10_000)
    assert shop.limits == [20]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/chat/completions", "POST"),
        ("/v1/feedback", "POST"),
        ("/v1/models", "GET"),
        ("/v1/split", "GET"),
    ],
)
@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic toy-token", "toy-token", "Bearer "])
def test_every_v1_route_asks_for_the_token(shop: Shop, path: str, method: str, header: str) -> None:
    answer = shop.client.request(method, path, headers={"authorization": header}, json={})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert "toy-token" not in answer.text
    assert not shop.broker.events


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"messages": []}, 422, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 422, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 422, None),
        ({"messages": [{"role": "user", "content": "  "}]}, 422, None),
        ({"n": 2}, 422, "n"),
        ({"tools": [{"type": "function"}]}, 422, "tools"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"metadata": {"conversation_id": "a\nb"}}, 422, None),
        ({"model": "gpt"}, 404, "model"),
        ({"messages": [{"role": "user", "content": "word " * 50}]}, 400, "messages"),
        ({"messages": [{"role": "user", "content": "x" * 5000}]}, 413, None),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_in_openai_shape(
    shop: Shop, change: dict[str, Any], status: int, param: str | None
) -> None:
    body = {"model": "support", "messages": [{"role": "user", "content": "hi"}], **change}
    answer = shop.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert not shop.broker.events


def test_a_body_that_is_not_json_is_a_bad_request(shop: Shop) -> None:
    answer = shop.client.post("/v1/chat/completions", content=b"{not json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_an_unknown_route_answers_in_openai_shape(shop: Shop) -> None:
    answer = shop.client.get("/v1/embeddings")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, None)


def test_a_full_replica_says_so(shop: Shop) -> None:
    shop.desk._ongoing = 2  # noqa: SLF001 - as many as serve.max_ongoing
    answer = shop.ask()
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert answer.headers["retry-after"] == "1"


def test_a_request_makes_room_when_it_ends_or_fails(shop: Shop) -> None:
    for text in ("fine", "break", "break first", "fine", "break"):
        shop.ask(text=text)
    assert shop.ask().status_code == 200
    assert shop.client.get("/healthz").json()["ongoing"] == 0


def test_a_failing_model_answers_500_without_details(shop: Shop) -> None:
    for text in ("break first", "break"):
        answer = shop.ask(text=text)
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")
        assert "fake broke" not in answer.text


def test_a_stream_that_breaks_off_ends_with_an_error(shop: Shop) -> None:
    answer = shop.ask(text="break", stream=True)
    last = answer.text.rstrip().split("\n\n")[-1]
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "server_error"


def test_messages_in_parts_are_joined_and_unknown_settings_do_no_harm(shop: Shop) -> None:
    parts = [{"type": "text", "text": "one two"}, {"type": "text", "text": " three"}]
    body = {"messages": [{"role": "user", "content": parts}], "temperature": 0.7}
    assert shop.ask(**body).json()["usage"]["prompt_tokens"] == 3


def test_models_lists_the_pipeline_only(shop: Shop) -> None:
    put_to_test(shop.state)
    shop.follower.look()
    listed = shop.client.get("/v1/models").json()
    assert [m["id"] for m in listed["data"]] == ["support"]


def test_assignment_is_published_before_the_answer_and_names_nobody(shop: Shop) -> None:
    answer = shop.ask(
        user="Jane.Doe@acme.example", metadata={"conversation_id": "chat-9"}, text="My card 4111"
    )
    (event,) = shop.broker.payloads()
    assert (event["kind"], event["trace_id"]) == ("assignment", answer.json()["id"])
    assert event["variant"] == answer.headers["x-deskwheel-variant"]
    assert event["conversation_id"] == shop.broker.events[0].key == "chat-9"
    assert event["subject_key"] == subject_key(b"toy-key", "default", "jane.doe@acme.example")
    raw = shop.broker.events[0].value.lower()
    assert b"jane" not in raw
    assert b"4111" not in raw
    assert answer.headers["x-deskwheel-logged"] == "true"


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_broker_the_answer_goes_out_and_is_counted(shop: Shop, stream: bool) -> None:
    shop.broker.is_away = True
    answer = shop.ask(stream=stream)
    assert answer.status_code == 200
    assert answer.headers["x-deskwheel-logged"] == "false"
    assert shop.meter.unlogged_answers == [PROMPT_BOT]
    assert shop.client.get("/healthz").json()["has_problem"]
    assert "away" in shop.client.get("/v1/split").json()["feedback_problem"]


def test_outcome_is_tied_to_the_answers_variant(shop: Shop) -> None:
    trace = shop.ask(metadata={"conversation_id": "chat-9"}).json()["id"]
    sent = shop.client.post("/v1/feedback", json={"trace_id": trace, "csat": 5})
    assert sent.status_code == 202
    assignment, outcome = shop.broker.payloads()
    assert (outcome["kind"], outcome["csat"], outcome["is_completed"]) == ("outcome", 5, None)
    for name in ("trace_id", "variant", "conversation_id", "subject_key"):
        assert outcome[name] == assignment[name]


def test_outcome_of_an_unknown_trace_is_accepted_without_a_variant(shop: Shop) -> None:
    trace = "chatcmpl-" + "0" * 32
    sent = shop.client.post("/v1/feedback", json={"trace_id": trace, "is_completed": False})
    assert sent.status_code == 202
    (outcome,) = shop.broker.payloads()
    assert (outcome["variant"], outcome["is_completed"]) == (None, False)


def test_outcome_that_the_broker_did_not_take_is_to_be_sent_again(shop: Shop) -> None:
    trace = shop.ask().json()["id"]
    shop.broker.is_away = True
    sent = shop.client.post("/v1/feedback", json={"trace_id": trace, "csat": 2})
    assert (sent.status_code, sent.json()["error"]["type"]) == (503, "server_error")
    assert sent.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "change",
    [{}, {"csat": 0}, {"csat": 6}, {"csat": 4.5}, {"csat": True}, {"csat": 4, "text": "nice"}],
)
def test_feedback_that_says_nothing_or_too_much_is_refused(
    shop: Shop, change: dict[str, Any]
) -> None:
    body = {"trace_id": "chatcmpl-" + "0" * 32, **change}
    assert shop.client.post("/v1/feedback", json=body).status_code == 422
    assert not shop.broker.events


def test_a_customer_stays_in_one_arm_over_calls_and_spellings(shop: Shop) -> None:
    put_to_test(shop.state)
    shop.follower.look()
    seen = {
        i: {
            shop.ask(user=user).headers["x-deskwheel-variant"]
            for user in (f"Cust-{i}", f" cust-{i} ", f"CUST-{i}")
        }
        for i in range(30)
    }
    assert all(len(variants) == 1 for variants in seen.values())
    assert set.union(*seen.values()) == {PROMPT_BOT, "support-v1"}


def test_nobody_in_particular_is_answered_by_the_champion(shop: Shop) -> None:
    put_to_test(shop.state, share=0.999)
    shop.follower.look()
    assert shop.ask(user=None).headers["x-deskwheel-variant"] == PROMPT_BOT
    assert shop.broker.payloads()[0]["subject_key"] is None


def test_rolled_back_challenger_answers_nobody_after_the_next_look(shop: Shop) -> None:
    put_to_test(shop.state, share=0.999)
    shop.follower.look()
    assert shop.ask().headers["x-deskwheel-variant"] == "support-v1"
    take_out(shop.state, "support", "toy reason")
    shop.follower.look()
    assert shop.ask().headers["x-deskwheel-variant"] == PROMPT_BOT
    assert shop.client.get("/v1/split").json()["challenger"] is None


def test_health_needs_no_token_and_says_only_that_something_is_wrong(shop: Shop) -> None:
    shop.broken.add("support-v1")
    put_to_test(shop.state)
    shop.follower.look()
    answer = shop.client.get("/healthz", headers={"authorization": ""})
    assert answer.status_code == 200
    assert answer.json()["has_problem"]
    assert "support-v1" not in answer.text
    assert "support-v1" in shop.client.get("/v1/split").json()["problem"]


def test_a_replica_without_a_variant_is_not_healthy(shop: Shop) -> None:
    shop.follower.serving = None
    assert shop.client.get("/healthz").status_code == 503
    assert shop.ask().status_code == 503
