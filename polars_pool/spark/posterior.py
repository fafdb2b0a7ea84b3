"""Posteriors on Spark: of the components from the classes of groups, and of groups by the nodes of their model."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame

from ..formulas import within
from ..formulas.elementary import INFINITY
from ..models.oneway.pooling import own_variance
from ..models.posterior import components as posterior_components
from ..models.posterior import estimates as posterior_estimates
from ..models.posterior.groups import OF_MODEL, of_models, posteriors
from ..models.posterior.spec import PosteriorMeans
from .classes import classes_of
from .frames import SPARK
from .inputs import Inputs
from .models import Models, on_driver
from .oneway import grouped, public
from .tables import with_statistics
from .unseen import with_unseen


def components(inputs: Inputs, request: PosteriorMeans) -> DataFrame:
    """One row per model, under public names."""
    groups, pivot = grouped(inputs, request)
    with inputs.kept_within(groups, request) as kept:
        classes = classes_of(kept, pivot, request)
    table = posterior_components.of_classes(classes.table, on_driver(request))
    return Models(classes.models.keys, table).frame(groups, request, posterior_components.STATISTICS)


def estimates(inputs: Inputs, request: PosteriorMeans, keys: DataFrame | None = None) -> DataFrame:
    """One row per group, under public names; groups among the keys may have no rows."""
    return public(means(inputs, request, keys), request, posterior_estimates.estimates_schema(request))


def means(inputs: Inputs, request: PosteriorMeans, keys: DataFrame | None = None) -> DataFrame:
    """One row per group with the posterior of its true mean, under private names."""
    groups, pivot = grouped(inputs, request)
    without_rows = {"_pool_w": 0.0, "_pool_n": 0.0} | ({"_pool_v": INFINITY} if request.published else {})
    groups = with_unseen(inputs.kept(groups), keys, request, without_rows)
    classes = classes_of(groups, pivot, request)
    result = posteriors(classes.table, on_driver(request))
    groups = Models(classes.models.keys, of_models(result, on_driver(request))).beside(groups, request, OF_MODEL)
    if not request.published:
        groups = groups.withColumn("_pool_v", within.sampling_variance(own_variance(request, SPARK), SPARK.w))
    groups = groups.withColumn("_pool_mean", SPARK.y + SPARK.pivot)
    of_table = partial(posterior_estimates.of_table, models=result, options=request.options)
    names = [f"_pool_{name}" for name in posterior_estimates.STATISTICS if name != "mean"]
    return with_statistics(groups, of_table, names)
