"""The operator's hand: `deskwheel VERB`; every verb is a function of another module.

Imports no engine, so that `deskwheel --help` answers at once.
"""

import sys
from collections.abc import Sequence

import deskwheel
from deskwheel.stage import Verb, option, run_stage

_HOME = option("--home", default=".deskwheel", metavar="FOLDER", help="state folder of the stack")

VERBS: dict[str, Verb] = {
    "demo": Verb(
        "show the whole wheel turn once, from messy traffic to a better model",
        "deskwheel.demo.play:run",
        (
            option(
                "--home", default=".deskwheel/demo", metavar="FOLDER",
                help="state folder of the demo; emptied at its start",
            ),
            option("--keep", action="store_true", help="leave the stack running at the end"),
            option("--seed", type=int, default=1, help="the same seed tells the same stories"),
            option(
                "--conversations", type=int, default=600, metavar="N", help="how much traffic"
            ),
            option("--no-color", action="store_true", help="plain text"),
        ),
    ),
    "up": Verb(
        "start the embedded stack and return when it is ready",
        "deskwheel.operate:up",
        (
            _HOME,
            option("--only", metavar="NAMES", help="these services and what they need; a,b,c"),
            option(
                "--timeout", type=float, default=300.0, metavar="SECONDS",
                help="give up on a service that is not ready after so long",
            ),
        ),
    ),
    "down": Verb("stop the embedded stack", "deskwheel.operate:down", (_HOME,)),
    "status": Verb("show the services of the stack", "deskwheel.operate:status", (_HOME,)),
    "doctor": Verb(
        "check what this machine must offer, with a cure for what it lacks",
        "deskwheel.doctor:run",
        (_HOME,),
    ),
    "audit": Verb(
        "prove that every event and example is accounted for exactly once",
        "deskwheel.operate:audit",
        (
            _HOME,
            option(
                "--wait", type=float, default=0.0, metavar="SECONDS",
                help="for how long the stages may catch up; what is pending then is a failure",
            ),
            option("--sql", action="store_true", help="print the laws as SQL to run elsewhere"),
            option(
                "--repeat", metavar="FILE",
                help="the offsets and table versions of an earlier `audit --json` once more",
            ),
        ),
    ),
    "ui": Verb("open the console and show every address", "deskwheel.operate:ui", (_HOME,)),
    "report": Verb(
        "write the console's page to a file",
        "deskwheel.operate:report",
        (_HOME, option("--out", default="report.html", metavar="FILE", help="file to write")),
    ),
    "logs": Verb(
        "show the end of a service's log",
        "deskwheel.operate:logs",
        (
            _HOME,
            option("name", metavar="NAME", help="name of a service, or `supervisor`"),
            option("-f", "--follow", action="store_true", help="go on until interrupted"),
            option("-n", "--lines", type=int, default=40, metavar="N", help="how many lines"),
        ),
    ),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):
        print(f"deskwheel {deskwheel.__version__}")
        return 0
    summary = "Turns customer-service traffic into a better answering model, again and again."
    return run_stage("deskwheel", summary, VERBS, words)


if __name__ == "__main__":
    raise SystemExit(main())
