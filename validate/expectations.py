"""Expectations that Great Expectations does not ship, registered with it by being imported.

A suite names them like any other (`validate.suite` imports this file before it reads one).
"""

from typing import Any, ClassVar

from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (  # noqa: E501
    multicolumn_condition_partial,
)
from pyspark.sql import functions as F

PERSONAL_PLACEHOLDER = (
    "<(?:EMAIL|PHONE|CARD|SSN|SSN_LAST4|IBAN|IP|DOB|ADDRESS|POSTCODE|ACCOUNT|PASSWORD|USERNAME"
    "|LICENSE|PASSPORT)_[0-9]{1,7}>"
)
"""Numbered masks of personal data but names: an agent introduces herself without being asked."""


class PlaceholdersKnown(MulticolumnMapMetricProvider):
    """Metric: the first column holds no numbered personal placeholder that the others lack."""

    condition_metric_name = "select_column_values.placeholders_known"
    condition_domain_keys = (
        "batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if",
    )  # fmt: skip
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls: Any, column_list: Any, **_: Any) -> Any:  # noqa: N805
        told, *before = column_list.columns
        pattern = F.lit(PERSONAL_PLACEHOLDER)
        known = F.concat_ws("\n", *before)
        new = F.array_except(
            F.regexp_extract_all(F.col(told), pattern, F.lit(0)),
            F.regexp_extract_all(known, pattern, F.lit(0)),
        )
        return ~F.contains(F.col(told), F.lit("<")) | (F.size(new) == 0)


class ExpectSelectColumnPlaceholdersToBeKnown(MulticolumnMapExpectation):
    """Expect that a text masks no personal value which earlier texts have not masked.

    Args:
        column_list: the text, then those that came before it.
        ignore_row_if: `any_value_is_missing`, where a row is judged by itself.
    """

    map_metric: ClassVar[str] = "select_column_values.placeholders_known"
    args_keys: ClassVar[tuple[str, ...]] = ("column_list",)
