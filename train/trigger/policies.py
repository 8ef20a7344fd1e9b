"""The reasons to start a fine-tune: one class each, with the one method `evaluate`.

Pure: out of the facts of one evaluation comes an opinion, with its numbers and a phrase.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np

from deskwheel.errors import ConfigError
from deskwheel.settings import TriggerSettings
from train.trigger.inputs import Inputs

Lengths = Sequence[int] | np.ndarray

_BINS = 10
"""Source: Siddiqi, "Credit Risk Scorecards" (2006), chapter 9, deciles."""
_Z95 = 1.6449
"""The standard normal's 95 % point."""


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one policy says of one moment."""

    policy: str
    is_for: bool
    """Whether a fine-tune may start, as far as this policy goes."""
    why: str
    """A phrase of the decision's sentence, without a full stop."""
    numbers: Mapping[str, float] = field(default_factory=dict)


class Policy(Protocol):
    """Anything with an opinion."""

    def evaluate(self, inputs: Inputs) -> Opinion:
        """The opinion on one moment."""
        ...  # pragma: no cover


def cap_of(settings: TriggerSettings) -> int:
    """How many fresh examples of one category count."""
    return max(1, int(settings.min_fresh_examples * settings.max_category_share))


def effective(counted: Mapping[str, int], cap: int) -> int:
    """Examples that count: those of each category up to the cap.

    >>> effective({"billing": 80, "setup": 20}, 50)
    70
    """
    return sum(min(count, cap) for count in counted.values())


@dataclass(frozen=True)
class Amount:
    """Enough effective fresh examples."""

    settings: TriggerSettings

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once the minimum is reached; more examples never change that."""
        minimum, cap = self.settings.min_fresh_examples, cap_of(self.settings)
        found = effective(inputs.counted, cap)
        if found >= minimum:
            why = (
                f"{found:,} effective of {inputs.rows:,} fresh examples reach the minimum of"
                f" {minimum:,}"
            )
        else:
            why = f"{found:,} of {minimum:,} fresh{_left_out(inputs, found, cap)}"
        return Opinion(
            policy="amount",
            is_for=found >= minimum,
            why=why,
            numbers={"effective": found, "minimum": minimum, "cap": cap},
        )


def _left_out(inputs: Inputs, found: int, cap: int) -> str:
    copies = inputs.rows - sum(inputs.counted.values())
    over = sum(inputs.counted.values()) - found
    parts = [f"{over:,} over the cap of {cap:,} a category"] if over else []
    parts += [f"{copies:,} near-copies"] if copies else []
    return f" (besides {' and '.join(parts)})" if parts else ""


@dataclass(frozen=True)
class Quota:
    """Enough effective fresh examples of each category that has a quota."""

    settings: TriggerSettings

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once no category is below its quota."""
        quotas = quotas_of(self.settings)
        short = {n: q for n, q in quotas.items() if inputs.counted.get(n, 0) < q}
        why = "no category is below its quota"
        if short:
            name = min(short, key=lambda n: (inputs.counted.get(n, 0) / short[n], n))
            others = f", {len(short) - 1} more below theirs" if len(short) > 1 else ""
            why = f"{name} below its quota of {short[name]:,}{others}"
        numbers = {name: float(inputs.counted.get(name, 0)) for name in quotas}
        return Opinion(policy="quota", is_for=not short, why=why, numbers=numbers)


def quotas_of(settings: TriggerSettings) -> dict[str, int]:
    """Category → least effective examples.

    Raises:
        ConfigError: there is none, or one that is not `CATEGORY=COUNT` or `CATEGORY=SHARE%`.
    """
    if not settings.quotas:
        raise ConfigError('trigger.policies names quota: set trigger.quotas, as ["billing=50"]')
    found = {}
    for entry in settings.quotas:
        name, _, text = (part.strip() for part in entry.rpartition("="))
        try:
            is_share = text.endswith("%")
            share = float(text.removesuffix("%")) / 100
            wanted = math.ceil(share * settings.min_fresh_examples) if is_share else int(text)
        except ValueError:
            wanted = 0
        if not name or wanted < 1:
            raise ConfigError(
                f"trigger.quotas: {entry!r} is no quota; write CATEGORY=COUNT or CATEGORY=SHARE%,"
                " such as billing=50 or billing=5%"
            )
        found[name] = wanted
    return found


@dataclass(frozen=True)
class Corrections:
    """Enough fresh examples, where answers that people changed weigh more."""

    settings: TriggerSettings

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once the weighted amount reaches the minimum, capped a category like `Amount`."""
        minimum, weight = self.settings.min_fresh_examples, self.settings.correction_weight
        weighted: Counter[str] = Counter()
        for name, count in inputs.plain.items():
            weighted[name] += count
        for name, count in inputs.corrections.items():
            weighted[name] += int(count * weight)
        found = effective(weighted, cap_of(self.settings))
        corrected = sum(inputs.corrections.values())
        is_for = found >= minimum
        verb = "reach the minimum of" if is_for else "of"
        why = f"{found:,} {verb} {minimum:,} with {corrected:,} corrections weighed {weight:g} each"
        numbers = {"weighted": found, "minimum": minimum, "corrections": corrected}
        return Opinion(policy="corrections", is_for=is_for, why=why, numbers=numbers)


@dataclass(frozen=True)
class Drift:
    """Fresh examples are spread unlike those of the last window."""

    settings: TriggerSettings

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once categories or lengths moved beyond the threshold and beyond chance.

        Chance alone gives n fresh and m earlier examples in B bins an index of about chi-squared
        with B − 1 degrees of freedom times (1/n + 1/m); its 95 % point is the least threshold.
        Source: Siddiqi, "Credit Risk Scorecards" (2006), chapter 9: above 0.25 a population has
        shifted. Yurdakul and Naranjo, "Statistical properties of the population stability index"
        (Journal of Risk Model Validation, 2020).
        """
        measures = {"categories": (inputs.before, inputs.counted)}
        if len(inputs.lengths) and len(inputs.lengths_before):
            measures["lengths"] = _binned(inputs.lengths_before, inputs.lengths)
        numbers: dict[str, float] = {}
        moved = ""
        for name, (before, now) in measures.items():
            if not sum(before.values()) or not sum(now.values()):
                continue
            index, limit = psi(before, now), max(self.settings.drift_psi, _chance(before, now))
            numbers |= {name: round(index, 4), f"{name}_limit": round(limit, 4)}
            if index >= limit and not moved:
                moved = f"{name} drifted by a PSI of {index:.2f}, the limit is {limit:.2f}"
        if moved:
            return Opinion(policy="drift", is_for=True, why=moved, numbers=numbers)
        told = [f"{n} {numbers[n]:.2f} of {numbers[f'{n}_limit']:.2f}"
                for n in measures if n in numbers]  # fmt: skip
        why = f"no drift (PSI of {', '.join(told)})" if told else "nothing to see drift by"
        return Opinion(policy="drift", is_for=False, why=why, numbers=numbers)


def psi(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """The population stability index of two counts; an empty bin counts as half an example.

    >>> round(psi({"a": 500, "b": 500}, {"a": 70, "b": 30}), 4)
    0.1695
    """
    old, new = sum(before.values()), sum(now.values())
    index = 0.0
    for name in before.keys() | now.keys():
        e = max(before.get(name, 0), 0.5) / old
        f = max(now.get(name, 0), 0.5) / new
        index += (f - e) * math.log(f / e)
    return index


def _chance(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """The 95 % point of the index without drift.

    Source: Wilson and Hilferty, "The distribution of chi-square" (PNAS, 1931).
    """
    k = max(1, len(before.keys() | now.keys()) - 1)
    quantile = k * (1 - 2 / (9 * k) + _Z95 * math.sqrt(2 / (9 * k))) ** 3
    return quantile * (1 / sum(before.values()) + 1 / sum(now.values()))


def _binned(before: Lengths, now: Lengths) -> tuple[dict[str, int], dict[str, int]]:
    """Both by the tenths of the first."""
    ordered = np.sort(np.asarray(before))
    edges = np.unique(ordered[[len(ordered) * i // _BINS for i in range(1, _BINS)]])

    def count(values: Lengths) -> dict[str, int]:
        found = np.bincount(np.searchsorted(edges, np.asarray(values), side="left"))
        return {str(place): count for place, count in enumerate(found.tolist()) if count}

    return count(before), count(now)


@dataclass(frozen=True)
class Age:
    """The oldest fresh example has waited long enough."""

    settings: TriggerSettings

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once it is older than `max_age_d` and enough examples are there."""
        found = effective(inputs.counted, cap_of(self.settings))
        minimum, most = self.settings.min_aged_examples, self.settings.max_age_d
        waited = inputs.now - inputs.oldest_at if inputs.oldest_at else timedelta()
        age_d = waited / timedelta(days=1)
        is_old, is_enough = bool(inputs.oldest_at) and age_d >= most, found >= minimum
        why = f"the oldest fresh example waits {age_d:.1f} of {most:g} days"
        if is_old:
            why = f"the oldest fresh example has waited {age_d:.1f} days, {most:g} are allowed"
        if not is_enough:
            why += f", with {found:,} of at least {minimum:,} examples"
        numbers = {"age_d": round(age_d, 3), "max_age_d": most, "effective": found}
        return Opinion(policy="age", is_for=is_old and is_enough, why=why, numbers=numbers)


POLICIES: Mapping[str, type[Amount | Quota | Corrections | Drift | Age]] = {
    "amount": Amount, "quota": Quota, "corrections": Corrections, "drift": Drift, "age": Age,
}  # fmt: skip
"""Name in `trigger.policies` → class."""


def policies_of(settings: TriggerSettings) -> list[list[Policy]]:
    """The entries of `trigger.policies`: one of them suffices, if all of its parts agree.

    Raises:
        ConfigError: there is none, or one that nobody knows.
    """
    entries = [[n.strip() for n in entry.split("+")] for entry in settings.policies]
    unknown = [name for names in entries for name in names if name not in POLICIES]
    if unknown or not entries:
        raise ConfigError(
            f"trigger.policies: {unknown[0] if unknown else 'no policy'!r} is not known; choose"
            f' from {", ".join(POLICIES)}, as in ["amount+quota", "age"]'
        )
    return [[POLICIES[name](settings) for name in names] for names in entries]
