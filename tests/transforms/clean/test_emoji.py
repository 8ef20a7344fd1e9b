import pytest

from tests.transforms.toys import chat, turns
from transforms.clean.author import clean
from transforms.clean.emoji import MOST, emoji_mood, find_emoji
from transforms.tags.moods import mood


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It broke 😡😡", ("😡", "😡")),
        ("👍🏽 and 👨‍👩‍👧 and 🇩🇪 and 1️⃣", ("👍🏽", "👨‍👩‍👧", "🇩🇪", "1️⃣")),
        ("❤️", ("❤️",)),
        ("plain 12 # * text", ()),
        ("schön → 5 €", ()),
    ],
)
def test_an_emoji_is_found_whole(text: str, found: tuple[str, ...]) -> None:
    assert find_emoji(text) == found


def test_emoji_stay_in_the_text_and_stand_beside_it() -> None:
    family = "👨‍👩‍👧"
    (row,) = turns(chat(text=f"thanks {family} 🎉"))
    assert (row.text, row.emoji) == (f"thanks {family} 🎉", (family, "🎉"))
    assert turns(chat())[0].emoji is None


def test_a_wall_of_emoji_is_told_by_its_first_ones() -> None:
    assert len(find_emoji("🎉" * 500)) == MOST


def test_joiners_stay_in_emoji_and_where_scripts_need_them_only() -> None:
    assert clean("chat", "a\u200db 👍\u200d") == "ab 👍"
    assert clean("chat", "می\u200cخواهم") == "می\u200cخواهم"


def test_emoji_alone_tell_a_mood() -> None:
    assert (mood("My parcel 😡"), mood("My parcel 😍"), mood("My parcel 📦")) == (
        "negative", "positive", "neutral",
    )  # fmt: skip
    assert emoji_mood("👍👍 😡") == 0
