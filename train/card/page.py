"""A run's card as a page for people, in the form of the Hugging Face Hub, and both its files.

Writes `README.md` and `model_card.json` beside an adapter; otherwise pure.

Source: Hugging Face Hub documentation, "Model Cards" and its metadata specification.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deskwheel.progress import duration

CARD, FACTS = "README.md", "model_card.json"
MODELS = ("base", "champion", "challenger")


def write_card(directory: Path, facts: Mapping[str, Any]) -> None:
    """Write the page and the facts; what was there is replaced."""
    text = json.dumps(facts, indent=1, ensure_ascii=False, default=str)
    (directory / FACTS).write_text(text + "\n", encoding="utf-8")
    (directory / CARD).write_text(f"{front_matter(facts)}\n{render_card(facts)}\n", "utf-8")


def front_matter(facts: Mapping[str, Any]) -> str:
    """The YAML header that the Hub reads, with its dashes; each value is JSON, which is YAML."""
    base, judged = facts["base"], facts["evaluation"]
    matter: dict[str, Any] = {
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["lora", "customer-service", "deskwheel"],
    }
    if not base["is_folder"]:
        matter["base_model"] = base["name"]
    if base["licence"]:
        matter["license"] = base["licence"]
    if languages := list(facts["data"].get("mix", {}).get("language", ())):
        matter["language"] = languages
    if judged is not None:
        matter["model-index"] = [{"name": facts["run_id"], "results": [_result(facts)]}]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in matter.items()]
    return "\n".join(["---", *lines, "---"])


def render_card(facts: Mapping[str, Any]) -> str:
    """The card in Markdown, without its header."""
    parts = [
        f"# Adapter of {facts['run_id']}",
        f"Trained by deskwheel {facts['code_version']} for pipeline `{facts['pipeline']}`,"
        f" {facts['started_at']} to {facts['finished_at']}{_earlier(facts)}.",
        "## Intended use",
        facts["intended_use"],
        "## Base model",
        _pairs(facts["base"]),
        "## Data",
        *_data(facts["data"]),
        "## Start",
        str(facts["start"]["start_reason"] or "On the base."),
        "## Training",
        *_training(facts["training"]),
        "## Evaluation",
        *_evaluation(facts["evaluation"]),
        "## Energy and price, estimated",
        *_energy(facts["energy"]),
        "## Limits",
        "\n".join(f"- {limit}" for limit in facts["limits"]),
        "## Environment",
        _pairs(facts["environment"]),
        "## Parameters",
        _pairs(facts["parameters"]),
        "## Lineage",
        f"`python -m train lineage {facts['run_id']}` lists the examples and conversations it comes"
        " from; `python -m train lineage --example ID` goes the other way.",
    ]
    return "\n\n".join(parts)


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join(lines)


def shift_rows(shifts: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """A row a shift: slice, metric, conversations, lead with its interval, and the finding."""
    return [
        [
            f"{s['by']} {s['slice']}",
            s["metric"],
            str(s["conversations"]),
            f"{s['mean']:+.4f} ({s['low']:+.4f} to {s['high']:+.4f})",
            "loss" if s["is_loss"] else "",
        ]
        for s in shifts
    ]


def _earlier(facts: Mapping[str, Any]) -> str:
    """Of attempts before; cards of older releases do not tell, and mean the last attempt alone."""
    if "earlier_s" not in facts:
        return " (the last attempt only)"
    took_s = facts["earlier_s"]
    return f", after {duration(took_s)} of attempts that were broken off" if took_s else ""


def _result(facts: Mapping[str, Any]) -> dict[str, Any]:
    scores = facts["evaluation"]["scores"].get("challenger", {})
    snapshot_id = facts["data"]["snapshot_id"]
    return {
        "task": {"type": "text-generation"},
        "dataset": {"name": f"test split of {snapshot_id}", "type": snapshot_id, "split": "test"},
        "metrics": [{"type": name, "value": value} for name, value in scores.items()],
    }


def _pairs(values: Mapping[str, Any]) -> str:
    rows = [
        [key, json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value]
        for key, value in values.items()
        if value not in (None, "", {})
    ]
    return table(["what", "value"], rows)


def _data(data: Mapping[str, Any]) -> list[str]:
    parts = [f"Snapshot `{data['snapshot_id']}`, digest `{data['content_digest']}`."]
    if "note" in data:
        parts.append(f"The snapshot's row is {data['note']}.")
    if "data_card" in data:
        parts.append(
            f"Its data card: `{data['data_card']}` (version {data['table_version']} of"
            f" `validated_examples`, frozen {data['created_at']})."
        )
    if data.get("counts"):
        parts.append(table(list(data["counts"]), [list(data["counts"].values())]))
    for name, mix in data.get("mix", {}).items():
        parts += [f"### By {name}", table(["value", "examples"], [list(i) for i in mix.items()])]
    if data.get("packed"):
        parts += ["### As packed", _pairs(data["packed"])]
    return parts


def _training(training: Mapping[str, Any]) -> list[str]:
    best = training["best_step"]
    dev = training["dev_loss"]
    kept = f"{training['steps']} optimizer steps"
    if best is not None:
        kept += f"; the weights kept are those of step {best}"
    if dev is not None:
        kept += f", with a loss of {dev:.4f} nats a token on dev"
    losses = [[f"{step:g}", f"{loss:.4f}"] for step, loss in training["loss"]]
    return [f"{kept}.", table(["step", "loss, nats a token"], losses)]


def _evaluation(judged: Mapping[str, Any] | None) -> list[str]:
    if judged is None:
        return ["Not evaluated."]
    names = [name for name in MODELS if name in judged["scores"]]
    metrics = sorted({m for name in names for m in judged["scores"][name]})
    rows = [[m, *(_number(judged["scores"][n].get(m)) for n in names)] for m in metrics]
    parts = [
        f"**{judged['verdict']}** on {judged['examples']} examples of the test split.",
        "\n".join(f"- {reason}" for reason in judged["reasons"]),
        table(["metric", *names], rows),
    ]
    if judged["shifts"]:
        titles = ["slice", "metric", "conversations", "lead (95 % interval)", "found"]
        parts += ["### Champion to challenger", table(titles, shift_rows(judged["shifts"]))]
    return parts


def _energy(energy: Mapping[str, Any]) -> list[str]:
    price = energy["price"]
    watts = "as set" if energy["are_watts_set"] else "a usual value, `train.watts` is not set"
    return [
        f"About {energy['kwh']:.4g} kWh: {energy['device_hours']:.4g} device hours at"
        f" {energy['watts']:g} W ({watts}), PUE {energy['pue']:g}. Price: "
        + (f"about {price:.4g}." if price is not None else "`train.price_per_hour` is not set."),
        f"{energy['formula']}. {energy['source']}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
