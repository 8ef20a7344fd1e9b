"""The command line of the verb `bases`. Light, because `--help` imports it."""

from pathlib import Path

from deskwheel.stage import Option, option

BASES_OPTIONS: tuple[Option, ...] = (
    option("action", choices=["compare"], help="measure candidates side by side"),
    option(
        "--candidates",
        required=True,
        metavar="A,B,...",
        help="folders, ids of the hub (ID@REVISION), or demo",
    ),
    option("--snapshot", metavar="ID", help="compare on the examples of this snapshot"),
    option("--data", type=Path, metavar="FILE", help="or on these JSON lines: query, response"),
    option(
        "--sizes",
        default="64,128,256,512",
        metavar="N,...",
        help="examples of the micro fine-tunes (default 64,128,256,512)",
    ),
    option("--steps", type=int, default=60, metavar="N", help="steps of each of them (default 60)"),
    option(
        "--examples",
        type=int,
        default=200,
        metavar="N",
        help="most held-out examples to measure on (default 200)",
    ),
    option(
        "--full-size",
        type=int,
        metavar="N",
        help="examples to predict the loss for (default: those of the train split)",
    ),
    option(
        "--licences",
        default="permissive",
        metavar="CLASS,...",
        help="classes that may be recommended: permissive (default), restricted, unknown",
    ),
    option(
        "--timeout-s",
        type=float,
        default=3600.0,
        metavar="S",
        help="give a candidate up after that time (default 3600)",
    ),
    option("--plot", type=Path, metavar="FILE", help="write the curves there as SVG"),
)
