"""The likelihood along tau on Spark, from the classes of groups."""

from __future__ import annotations

import polars as pl
from pyspark.sql import DataFrame

from ..models.oneway.pooling import errors, pooled
from ..models.oneway.spec import OneWay, Options
from ..models.posterior import profile
from .classes import classes_of
from .frames import SPARK, with_steps
from .inputs import Inputs
from .models import Models, on_driver
from .oneway import grouped, public


def profiles(inputs: Inputs, request: OneWay, grid: tuple[float, ...] | None, of_groups: bool) -> DataFrame:
    """One row per model and tau, or one per model, tau and group, under public names."""
    groups, pivot = grouped(inputs, request)
    if not of_groups:
        with inputs.kept_within(groups, request) as kept:
            points = _points(kept, pivot, request, grid)
        return points.frame(groups, request, dict.fromkeys(profile.columns(request, groups=False), pl.Float64()))
    groups = inputs.kept(groups)
    points = _points(groups, pivot, request, grid)
    points = Models(points.keys, profile.of_model(points.table))
    joined = points.beside(groups, request, profile.OF_MODEL, how="inner")
    means = with_steps(with_steps(joined, pooled(request, SPARK)), errors(request, Options(), SPARK))
    return public(means, request, dict.fromkeys(profile.ESTIMATES, pl.Float64()))


def _points(groups: DataFrame, pivot: float, request: OneWay, grid: tuple[float, ...] | None) -> Models:
    classes = classes_of(groups, pivot, request)
    return Models(classes.models.keys, profile.of_classes(classes.table, on_driver(request), grid))
