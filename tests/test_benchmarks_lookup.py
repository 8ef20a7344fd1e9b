"""What the benchmark of looking up makes of its traffic and its numbers; its run takes minutes."""

from typing import Any

import pyarrow.compute as pc

from benchmarks.transforms_lookup import claims, renamed
from deskwheel.records import Turn
from deskwheel.schema import arrow_schema, to_table
from tests.transforms import toys
from tests.transforms.toys import chat, mail


def test_a_batch_comes_again_under_other_names_and_keys_of_the_same_kinds() -> None:
    letters = [mail(Message_ID="<1@x>", Subject="Lamp"), chat(), mail(Message_ID="<2@x>")]
    rows = to_table([turn for event in letters for turn in toys.turns(event)], Turn)
    again, later = renamed(rows, 1), renamed(rows, 9)
    assert again.schema == later.schema == arrow_schema(Turn)
    for name in ("turn_id", "event_id", "conversation_id"):
        assert not set(again[name].to_pylist()) & set(later[name].to_pylist())
    told = [[keys and [key[:2] for key in keys] for keys in table["thread_keys"].to_pylist()]
            for table in (rows, again, later)]  # fmt: skip
    assert told[0] == told[1] == told[2]
    assert told[0][1] is None
    keys = [set(pc.list_flatten(table["thread_keys"]).to_pylist()) for table in (again, later)]
    assert not keys[0] & keys[1]


def test_what_grows_with_the_table_is_told() -> None:
    def found(last_s: float) -> dict[str, Any]:
        windows = [{"look_up": 3.0, "commit": 1.0}, {"look_up": last_s, "commit": 1.0}]
        return {claim.id.partition(".")[2]: claim for claim in claims(windows, 240.0)}

    assert found(3.1)["growth"].holds
    assert found(3.0)["against_scan"].value == 4
    assert not found(4.5)["growth"].holds
