"""The Great Expectations suite: every rule an example must meet, one function each.

A rule's id is its function's name in capitals; the id is the reason code of an example that
breaks it, in the table, on the timeline, in metrics and in tests. To add a rule write the function,
name it in `ROW_RULES` or `BATCH_RULES`, and give the tests one row that passes and one that fails.

Severity `critical`: the text could harm a customer or breaks its record. `warning`: it is only
worthless for training. Both are quarantined. Reads and writes no table.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from deskwheel.ids import digest
from deskwheel.settings import ValidateSettings
from validate import patterns

Rule = Callable[[ValidateSettings], Expectation]


def query_missing(_: ValidateSettings) -> Expectation:
    """The query is not null; rules on a column say nothing about its nulls."""
    return gxe.ExpectColumnValuesToNotBeNull(column="query")


def response_missing(_: ValidateSettings) -> Expectation:
    """The response is not null; rules on a column say nothing about its nulls."""
    return gxe.ExpectColumnValuesToNotBeNull(column="response")


def context_missing(_: ValidateSettings) -> Expectation:
    """The context is not null; a first question has an empty one."""
    return gxe.ExpectColumnValuesToNotBeNull(column="context")


def query_too_short(settings: ValidateSettings) -> Expectation:
    """A query has at least `validate.min_query_chars` characters: shorter ones ask nothing.

    Source: shortest gold query of the public stream sample (13), with room.
    """
    return gxe.ExpectColumnValueLengthsToBeBetween(
        column="query", min_value=settings.min_query_chars, severity="warning"
    )


def query_too_long(settings: ValidateSettings) -> Expectation:
    """A query has at most `validate.max_query_chars` characters: longer ones are logs or threads.

    Source: 27 times the longest gold query of the public stream sample (148).
    """
    return gxe.ExpectColumnValueLengthsToBeBetween(
        column="query", max_value=settings.max_query_chars, severity="warning"
    )


def response_too_short(settings: ValidateSettings) -> Expectation:
    """A response has at least `validate.min_response_chars` characters: "Done." teaches nothing.

    Source: shortest gold response of the public stream sample (28), with room.
    """
    return gxe.ExpectColumnValueLengthsToBeBetween(
        column="response", min_value=settings.min_response_chars, severity="warning"
    )


def response_too_long(settings: ValidateSettings) -> Expectation:
    """A response has at most `validate.max_response_chars` characters, so that it fits a batch.

    Source: 4 times the longest gold response of the public stream sample (1,406).
    """
    return gxe.ExpectColumnValueLengthsToBeBetween(
        column="response", max_value=settings.max_response_chars, severity="warning"
    )


def query_has_no_words(_: ValidateSettings) -> Expectation:
    """A query holds two letters in a row, of any script."""
    return gxe.ExpectColumnValuesToMatchRegex(
        column="query", regex=patterns.A_WORD, severity="warning"
    )


def query_is_greeting_only(_: ValidateSettings) -> Expectation:
    """A query is more than a greeting or thanks."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="query", regex=patterns.GREETING_ONLY, severity="warning"
    )


def pii_left_in_query(_: ValidateSettings) -> Expectation:
    """No mailbox, phone, card, bank or social security number is left in the query."""
    return gxe.ExpectColumnValuesToNotMatchRegexList(
        column="query", regex_list=list(patterns.PERSONAL_DATA)
    )


def pii_left_in_response(_: ValidateSettings) -> Expectation:
    """No mailbox, phone, card, bank or social security number is left in the response."""
    return gxe.ExpectColumnValuesToNotMatchRegexList(
        column="response", regex_list=list(patterns.PERSONAL_DATA)
    )


def pii_left_in_context(_: ValidateSettings) -> Expectation:
    """No mailbox, phone, card, bank or social security number is left in the context."""
    return gxe.ExpectColumnValuesToNotMatchRegexList(
        column="context", regex_list=list(patterns.PERSONAL_DATA)
    )


def query_not_text(_: ValidateSettings) -> Expectation:
    """A query holds no control characters: those come from attachments and broken exports."""
    return gxe.ExpectColumnValuesToNotMatchRegex(column="query", regex=patterns.CONTROL_CHARACTER)


def response_not_text(_: ValidateSettings) -> Expectation:
    """A response holds no control characters."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="response", regex=patterns.CONTROL_CHARACTER
    )


def query_broken_encoding(_: ValidateSettings) -> Expectation:
    """A query was decoded as what it was encoded in."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="query", regex=patterns.BROKEN_ENCODING, severity="warning"
    )


def response_broken_encoding(_: ValidateSettings) -> Expectation:
    """A response was decoded as what it was encoded in: the model would learn the garbage."""
    return gxe.ExpectColumnValuesToNotMatchRegex(column="response", regex=patterns.BROKEN_ENCODING)


def quoted_thread_in_query(_: ValidateSettings) -> Expectation:
    """A query quotes no earlier mail."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="query", regex=patterns.QUOTED_THREAD, severity="warning"
    )


def quoted_thread_in_response(_: ValidateSettings) -> Expectation:
    """A response quotes no earlier mail."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="response", regex=patterns.QUOTED_THREAD, severity="warning"
    )


def markup_in_response(_: ValidateSettings) -> Expectation:
    """A response holds no HTML tags."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="response", regex=patterns.MARKUP, severity="warning"
    )


def response_is_handoff(_: ValidateSettings) -> Expectation:
    """A response answers instead of passing the customer on."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="response", regex=patterns.HANDOFF, severity="warning"
    )


def response_is_placeholder(_: ValidateSettings) -> Expectation:
    """A response has no slot of a template left open."""
    return gxe.ExpectColumnValuesToNotMatchRegex(column="response", regex=patterns.PLACEHOLDER)


def response_rude(_: ValidateSettings) -> Expectation:
    """A response holds none of a short list of insults."""
    return gxe.ExpectColumnValuesToNotMatchRegex(column="response", regex=patterns.RUDE)


def response_equals_query(_: ValidateSettings) -> Expectation:
    """Query and response differ."""
    return gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(
        column_list=["query", "response"], ignore_row_if="any_value_is_missing", severity="warning"
    )


def response_has_needless_apology(_: ValidateSettings) -> Expectation:
    """A response does not apologise where nothing went wrong: the habit we train away."""
    return gxe.ExpectColumnValuesToBeInSet(
        column="has_needless_apology", value_set=[False], severity="warning"
    )


def apology_missing(_: ValidateSettings) -> Expectation:
    """It is known whether the response apologises needlessly."""
    return gxe.ExpectColumnValuesToNotBeNull(column="has_needless_apology")


def resolution_unsure(settings: ValidateSettings) -> Expectation:
    """The conversation was resolved with at least `validate.min_resolution_probability`.

    Source: an answer that did not help is a wrong label; `transforms.resolution` calibrates it.
    """
    return gxe.ExpectColumnValuesToBeBetween(
        column="resolution_probability",
        min_value=settings.min_resolution_probability,
        severity="warning",
    )


def resolution_missing(_: ValidateSettings) -> Expectation:
    """It is known how probably the conversation was resolved."""
    return gxe.ExpectColumnValuesToNotBeNull(column="resolution_probability")


def csat_low(settings: ValidateSettings) -> Expectation:
    """A customer who gave a rating gave at least `validate.min_csat`; most give none.

    Source: 3 of 5 is the neutral point of the scale.
    """
    return gxe.ExpectColumnValuesToBeBetween(
        column="csat", min_value=settings.min_csat, severity="warning"
    )


def authorship_not_human(_: ValidateSettings) -> Expectation:
    """A person wrote or corrected the response: a model must not learn from itself.

    Source: Shumailov et al., "AI models collapse when trained on recursively generated data"
    (Nature, 2024).
    """
    return gxe.ExpectColumnValuesToBeInSet(
        column="authorship", value_set=["human", "model_edited"], severity="warning"
    )


def authorship_missing(_: ValidateSettings) -> Expectation:
    """It is known who wrote the response."""
    return gxe.ExpectColumnValuesToNotBeNull(column="authorship")


def kind_not_ideal(_: ValidateSettings) -> Expectation:
    """The pair is meant to be imitated; negatives and preferences are not."""
    return gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=["ideal"], severity="warning")


def kind_missing(_: ValidateSettings) -> Expectation:
    """It is known what the pair is meant for."""
    return gxe.ExpectColumnValuesToNotBeNull(column="kind")


def channel_unknown(_: ValidateSettings) -> Expectation:
    """The channel is one of those in `deskwheel.topics`."""
    return gxe.ExpectColumnValuesToBeInSet(column="channel", value_set=["email", "chat", "call"])


def channel_missing(_: ValidateSettings) -> Expectation:
    """It is known on which channel the answer was given."""
    return gxe.ExpectColumnValuesToNotBeNull(column="channel")


def category_blank(_: ValidateSettings) -> Expectation:
    """The category has a name: the trigger's caps count by it."""
    return gxe.ExpectColumnValuesToNotMatchRegex(
        column="category", regex=patterns.NOTHING, severity="warning"
    )


def category_missing(_: ValidateSettings) -> Expectation:
    """The category is not null."""
    return gxe.ExpectColumnValuesToNotBeNull(column="category")


def example_id_repeated(_: ValidateSettings) -> Expectation:
    """No example id comes twice: ids are made of conversation, version and position."""
    return gxe.ExpectColumnValuesToBeUnique(column="example_id")


def quarantine_spike(settings: ValidateSettings) -> Expectation:
    """At most `validate.max_quarantine_share` of a batch breaks a rule.

    More says that a source or a parser changed, not that agents write worse.
    """
    return gxe.ExpectColumnMeanToBeBetween(
        column="is_quarantined", max_value=settings.max_quarantine_share, severity="warning"
    )


def answers_copied(settings: ValidateSettings) -> Expectation:
    """At least `validate.min_distinct_share` of a batch's pairs are distinct."""
    return gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(
        column="content_hash", min_value=settings.min_distinct_share, severity="warning"
    )


ROW_RULES: tuple[Rule, ...] = (
    query_missing, response_missing, context_missing,
    apology_missing, resolution_missing, authorship_missing, kind_missing, channel_missing,
    category_missing,
    pii_left_in_query, pii_left_in_response, pii_left_in_context,
    query_too_short, query_too_long, response_too_short, response_too_long,
    query_has_no_words, query_is_greeting_only,
    query_not_text, response_not_text, query_broken_encoding, response_broken_encoding,
    quoted_thread_in_query, quoted_thread_in_response, markup_in_response,
    response_is_handoff, response_is_placeholder, response_rude, response_equals_query,
    response_has_needless_apology, resolution_unsure, csat_low, authorship_not_human,
    kind_not_ideal, channel_unknown, category_blank,
)  # fmt: skip
"""Judged row by row; a row that breaks one is quarantined. The order is that of the reasons."""

BATCH_RULES: tuple[Rule, ...] = (example_id_repeated, quarantine_spike, answers_copied)
"""Judged on a whole batch; a broken one stands on the timeline and stops no row."""


def rule_id(rule: Rule) -> str:
    """The reason code of a rule.

    >>> rule_id(query_too_short)
    'QUERY_TOO_SHORT'
    """
    return rule.__name__.upper()


def build_suite(settings: ValidateSettings, rules: tuple[Rule, ...] = ROW_RULES) -> Any:
    """An `ExpectationSuite` of some rules, each expectation's meta naming its rule.

    Building one sends nothing anywhere and needs no context.
    """
    suite = gx.ExpectationSuite(name="examples")
    for rule in rules:
        what, _, source = " ".join((rule.__doc__ or "").split()).partition(" Source: ")
        expectation = rule(settings)
        expectation.meta = {"rule_id": rule_id(rule), "what": what, "source": source}
        suite.expectations.append(expectation)
    return suite


def suite_version(settings: ValidateSettings) -> str:
    """A digest of every rule's id, type and threshold, equal exactly for suites that judge alike.

    Names, sentences and severities of expectations do not enter it.
    """
    judged = []
    for rule in (*ROW_RULES, *BATCH_RULES):
        found = rule(settings).configuration.to_json_dict()
        judged.append([rule_id(rule), found["type"], found["kwargs"]])
    return f"suite-{digest(json.dumps(judged, sort_keys=True))[:12]}"


def ephemeral_context() -> Any:
    """A GX context that lives in memory, draws no progress bars and reports to nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def describe(settings: ValidateSettings) -> list[dict[str, str]]:
    """Every rule as an operator reads it: id, scope, severity, what it wants, threshold, source."""
    rows = []
    for scope, rules in (("row", ROW_RULES), ("batch", BATCH_RULES)):
        for expectation in build_suite(settings, rules).expectations:
            kwargs = expectation.configuration.to_json_dict()["kwargs"]
            bounds = {k: kwargs[k] for k in ("min_value", "max_value", "value_set") if k in kwargs}
            rows.append(
                {
                    "id": expectation.meta["rule_id"],
                    "scope": scope,
                    "severity": str(expectation.severity.value),
                    "what": expectation.meta["what"],
                    "threshold": json.dumps(bounds) if bounds else "",
                    "source": expectation.meta["source"],
                    "expectation": expectation.expectation_type,
                }
            )
    return rows
