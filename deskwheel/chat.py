"""The chat form of an example: what a model is asked and answers, the same wherever it is written.

Training, serving and exported snapshots must agree on it to the letter: a model that was trained
on one form of a prompt answers another one worse.
"""

Message = dict[str, str]


def user_message(query: str, context: str = "") -> Message:
    """The one message an adapter gets: earlier utterances, a line each, then the query."""
    return {"role": "user", "content": f"{context}\n{query}" if context else query}


def assistant_message(response: str) -> Message:
    """The answer that an adapter learns to give."""
    return {"role": "assistant", "content": response}
