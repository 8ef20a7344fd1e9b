"""Results that are kept for short texts."""

from transforms.acts.repeats import MAX_CHARS, kept_for_short


def test_a_short_text_is_computed_once_and_a_long_one_each_time() -> None:
    asked: list[str] = []

    @kept_for_short
    def length(text: str) -> int:
        """The length of a text."""
        asked.append(text)
        return len(text)

    long = "x" * (MAX_CHARS + 1)
    assert [length(t) for t in ("ok", "ok", long, long)] == [2, 2, MAX_CHARS + 1, MAX_CHARS + 1]
    assert asked == ["ok", long, long]
    assert length.__doc__ == "The length of a text."
