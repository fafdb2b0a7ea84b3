"""The requests for what a regression implies: tables of its coefficients, and predictions with intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from ..formulas.names import OfPrediction, TestOfTerm
from ..models.regression.spec import Regression
from .call import Call
from .columns import distinct_keys
from .options import flag, one_of
from .regression import regression


def coefficients_of_regression(call: Call) -> Regression:
    """The request for a table of coefficients, or of their covariances."""
    from ..models.regression.inference import table_schema

    request = regression(call)
    test = one_of(call["test"], get_args(TestOfTerm), "test")
    covariance = flag(call["covariance"], "covariance")
    request = replace(request, options=replace(request.options, test=test, covariance=covariance))
    distinct_keys(request.over_names, (), table_schema(request))
    return request


def prediction(call: Call) -> Regression:
    """The request for predictions."""
    request = regression(call)
    if call["interval"] is None:
        return request
    interval = one_of(call["interval"], get_args(OfPrediction), "interval")
    return replace(request, options=replace(request.options, interval=interval))
