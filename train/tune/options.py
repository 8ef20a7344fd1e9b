"""The command line of the verb `tune`. Light, because `--help` imports it."""

from pathlib import Path

from deskwheel.stage import Option, option

TUNE_OPTIONS: tuple[Option, ...] = (
    option("--snapshot", metavar="ID", help="search on this snapshot"),
    option(
        "--data",
        metavar="FILE.jsonl",
        help="or on these chats (`messages`, or `prompt`, `completion`)",
    ),
    option("--trials", type=int, metavar="N", help="how many (default: tune.trials)"),
    option(
        "--grid",
        action="append",
        default=[],
        metavar="KEY=V,V,...",
        help="try all combinations of these values instead: lr, lora_r, epochs, global_batch",
    ),
    option("--plot", type=Path, metavar="FILE.svg", help="write loss against steps there"),
    option("--force", action="store_true", help="search anew, whatever is known already"),
)
