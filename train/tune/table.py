"""A search as a table and as settings, for a terminal."""

from rich.console import Console
from rich.table import Table

from train.tune.kept import Search, Trial, best_trial, ranked, set_options

_NONE = "-"


def print_search(search: Search, console: Console) -> None:
    """Print the trials, the best first, and what to set."""
    console.print(_table(search))
    for trial in ranked(search):
        if trial.problem:
            console.print(f"trial {trial.proposal.number}: {trial.problem}", markup=False)
    best = best_trial(search)
    if best is None:
        console.print("No trial came to its end: nothing to set.", style="bold")
        return
    console.print("Best settings:", style="bold")
    for line in set_options(best):
        console.print(line, markup=False, highlight=False)


def _table(search: Search) -> Table:
    table = Table(
        "trial", "lr", "rank", "epochs", "steps", "batch", "loss on dev", "at step", "end", "time",
        title=f"{search.base_model}, {search.method}, {search.bucket:,} examples and more"
        f" ({search.snapshot_id}: {search.examples:,})",
    )  # fmt: skip
    for trial in ranked(search):
        table.add_row(*_row(trial))
    return table


def _row(trial: Trial) -> list[str]:
    proposal, best = trial.proposal, trial.best
    done = trial.points[-1][0] if trial.points else 0
    is_cut = trial.end == "stopped"
    return [
        str(proposal.number),
        f"{proposal.lr:.2e}",
        str(proposal.lora_r),
        _NONE if proposal.epochs is None else f"{proposal.epochs:g}",
        f"{done} of {trial.recipe['steps']}" if is_cut else str(trial.recipe["steps"]),
        str(proposal.global_batch),
        f"{best[1]:.4f}" if best else _NONE,
        str(best[0]) if best else _NONE,
        trial.end,
        f"{trial.seconds:.0f} s",
    ]
