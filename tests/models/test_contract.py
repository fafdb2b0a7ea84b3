"""The contract of the model families: the same files, functions and laws in each, whatever it estimates."""

import inspect
import pickle
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool import arguments, models
from polars_pool.models import families
from polars_pool.models.hyperparameters import Hyperparameters
from polars_pool.models.meta_regression import spec as meta_regression
from polars_pool.models.nested import spec as nested
from polars_pool.models.oneway import spec as oneway
from polars_pool.models.posterior import spec as posterior
from polars_pool.models.rates import spec as rates
from polars_pool.models.rates_posterior import spec as rates_posterior
from polars_pool.models.regression import spec as regression

SPECS = {"oneway": oneway, "posterior": posterior, "rates": rates, "regression": regression, "nested": nested}
SPECS |= {"meta_regression": meta_regression, "rates_posterior": rates_posterior}
REQUESTS = {"oneway": oneway.Means, "posterior": posterior.PosteriorMeans, "rates": rates.Rates}
REQUESTS |= {"regression": regression.Regression, "nested": nested.Nested}
REQUESTS |= {"meta_regression": meta_regression.MetaRegression, "rates_posterior": rates_posterior.RatesPosterior}
FUNCTIONS = ("components", "components_schema", "estimates", "estimates_schema")

ROWS = pl.DataFrame(
    {
        "m": [i // 60 for i in range(120)],
        "g": [f"g{i % 10}" for i in range(120)],
        "h": [f"h{i % 10 // 3}" for i in range(120)],
        "y": [float(i * i % 17 + 3 * (i % 10) + i // 60) for i in range(120)],
        "u": [float(i % 10 * 3 % 7) for i in range(120)],
        "x": [float(i * 7 % 11) for i in range(120)],
        "k": [(i * i + i % 10) % 7 for i in range(120)],
        "size": [6 + i % 3 for i in range(120)],
    }
)
MEANS = (pool.shrink, pool.components)
VERBS = dict.fromkeys(SPECS, MEANS) | {"regression": (pool.regress, pool.regress_components)}
ARGUMENTS = {
    "oneway": {"value": "y", "by": "g"},
    "posterior": {"value": "y", "by": "g", "tau2": pool.HalfCauchy(5)},
    "rates": {"value": "k", "by": "g", "trials": "size"},
    "rates_posterior": {"value": "k", "by": "g", "trials": "size", "prior": pool.UniformShrinkage()},
    "regression": {"value": "y", "x": ["x"], "by": "g"},
    "nested": {"value": "y", "by": ["h", "g"], "nested": True},
    "meta_regression": {"value": "y", "by": "g", "toward": ["u"]},
}

each_family = pytest.mark.parametrize("family", SPECS)
each_verb = pytest.mark.parametrize(("family", "verb"), [(family, verb) for family in SPECS for verb in VERBS[family]])


def call_of(verb, frame, **values):
    """The call of a verb, with its defaults."""
    bound = inspect.signature(verb).bind(frame, **values)
    bound.apply_defaults()
    return arguments.call(verb, bound.arguments)


def request_of(family, verb, frame=ROWS, **more):
    check = arguments.estimates if verb in (pool.shrink, pool.regress) else arguments.components
    return check(call_of(verb, frame, **ARGUMENTS[family], **more))


def keys_of(family, verb, over=()):
    keys = ["h", "g"] if family == "nested" else ["g"]
    return [*over, *(keys if verb in (pool.shrink, pool.regress) else [])]


def schema_of(family, verb, request):
    functions = families.family_of(request)
    name = "estimates_schema" if verb in (pool.shrink, pool.regress) else "components_schema"
    return getattr(functions, name)(request)


# ---- files and functions --------------------------------------------------------------------------------------------


def test_every_folder_of_the_models_is_a_family_of_the_list():
    folder = Path(models.__file__).parent
    assert {path.parent.name for path in folder.glob("*/spec.py")} == set(SPECS)
    assert set(families.FAMILIES) == set(REQUESTS.values())


@each_family
@pytest.mark.parametrize("file", ["spec", "groups", "fit", "components", "estimates", "refuse"])
def test_every_family_has_the_same_files(family, file):
    assert import_module(f"polars_pool.models.{family}.{file}").__doc__


@each_family
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_family_has_the_same_functions(family, function):
    module = import_module(f"polars_pool.models.{family}.{function.removesuffix('_schema')}")
    assert getattr(families.FAMILIES[REQUESTS[family]](), function) is getattr(module, function)
    names = list(inspect.signature(getattr(module, function)).parameters)
    assert names[-1 if "schema" in function else 1].lstrip("_") == "request"


# ---- requests -------------------------------------------------------------------------------------------------------


@each_verb
def test_arguments_become_the_request_of_their_family(family, verb):
    assert type(request_of(family, verb)) is REQUESTS[family]


@each_verb
def test_a_request_holds_no_data_and_can_be_pickled(family, verb):
    request = request_of(family, verb)
    assert not any(isinstance(getattr(request, f.name), pl.DataFrame | pl.LazyFrame) for f in fields(request))
    again = pickle.loads(pickle.dumps(request))
    assert again.key_names == request.key_names
    assert again.options == request.options


@each_family
def test_options_are_by_default_those_of_the_verbs(family):
    """A verb without an option leaves it at the default of its family, which must be the one users know."""
    options = getattr(SPECS[family], "Options", oneway.Options)()  # those of means where it has none of its own
    signatures = [inspect.signature(verb).parameters for verb in VERBS[family]]
    for field in fields(options):
        default = getattr(options, field.name)
        known = [parameters[field.name].default for parameters in signatures if field.name in parameters]
        assert field.name == "interval" or all(value == default for value in known), field.name


def test_hyperparametersare_by_default_those_of_the_verbs():
    defaults = Hyperparameters()
    for verb in (*MEANS, pool.encode, pool.compare, pool.FramePool.shrink, pool.ExprPool.shrink, pool.ExprPool.weight):
        parameters = inspect.signature(verb).parameters
        assert {f.name: parameters[f.name].default for f in fields(defaults)} == vars(defaults)


OTHERS = {  # values that differ from the default, of every argument that some family refuses
    "n": "size", "var": "y", "se": "y", "weights": "size", "sigma2": 1.0, "tau2": 1.0, "mu": 0.0, "level": 0.9,
    "test": "t", "limits": "q", "uncertainty": "conditional", "interval": "shortest", "predict": "row",
    "prior": "moments", "posterior": True, "at": "g",
}  # fmt: skip


ELSEWHERE = {"trials", "exposure", "nested", "persist", "toward"}  # these choose another family, or are for Spark


def refused():
    for family, specs in SPECS.items():
        for verb in VERBS[family] if family != "regression" else ():
            of_components = family in ("rates", "rates_posterior") and verb is pool.components
            accepted = specs.ACCEPTED_BY_COMPONENTS if of_components else specs.ACCEPTED
            for name, parameter in inspect.signature(verb).parameters.items():
                if parameter.default is not parameter.empty and name not in accepted | ELSEWHERE:
                    yield pytest.param(family, verb, name, id=f"{family}-{verb.__name__}-{name}")


@pytest.mark.parametrize(("family", "verb", "name"), list(refused()))
def test_an_argument_that_a_family_does_not_accept_is_an_error(family, verb, name):
    with pytest.raises(ValueError, match=rf"^{name}="):
        request_of(family, verb, **{name: OTHERS[name]})


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode, pool.compare, pool.profile])
@pytest.mark.parametrize("persist", [True, False])
def test_the_cache_of_spark_is_an_error_for_polars_frames(verb, persist):
    with pytest.raises(ValueError, match=rf"^persist={persist} is for Spark frames"):
        verb(pl.DataFrame({"g": [1, 1, 2], "y": [1.0, 2.0, 4.0]}), "y", by="g", persist=persist)


@pytest.mark.parametrize("accepted", [oneway.ACCEPTED, rates.ACCEPTED, rates.ACCEPTED_BY_COMPONENTS, nested.ACCEPTED])
def test_families_accept_arguments_that_verbs_have(accepted):
    assert accepted <= {name for verb in MEANS for name in inspect.signature(verb).parameters}


# ---- results --------------------------------------------------------------------------------------------------------


@each_verb
@pytest.mark.parametrize("frame", [ROWS, ROWS.clear()], ids=["rows", "empty"])
@pytest.mark.parametrize("over", [(), ("m",)], ids=["one model", "models"])
def test_the_schema_is_that_of_the_family_lazy_and_collected(family, verb, frame, over):
    split = {"over": list(over)} if over else {}
    lazy = verb(frame.lazy(), **ARGUMENTS[family], **split)
    keys = {name: ROWS.schema[name] for name in keys_of(family, verb, over)}
    request = request_of(family, verb, frame, **split)
    assert lazy.collect_schema() == pl.Schema({**keys, **schema_of(family, verb, request)})
    assert lazy.collect_schema() == lazy.collect().schema == verb(frame, **ARGUMENTS[family], **split).schema


@each_verb
def test_models_of_over_are_independent(family, verb):
    together = verb(ROWS, **ARGUMENTS[family], over="m")
    for (model,), rows in ROWS.partition_by("m", as_dict=True).items():
        alone = verb(rows, **ARGUMENTS[family])
        assert_frame_equal(together.filter(m=model).drop("m"), alone, rel_tol=1e-7, abs_tol=1e-9)


KNOWN = {
    "oneway": ({"sigma2": 4.0, "tau2": 2.0, "mu": 1.0}, {"sigma2": 4.0, "tau2": 2.0, "mu": 1.0}),
    "posterior": ({"sigma2": 4.0, "tau2": 2.0, "mu": pool.Normal(0, 5)}, {"sigma2": 4.0, "tau2": 2.0}),
    "rates": ({"prior": pool.Beta(2, 5)}, {"alpha": 2.0, "beta": 5.0}),
}


@pytest.mark.parametrize("family", KNOWN)
def test_known_hyperparametersare_returned_unchanged(family):
    hyperparameters, known = KNOWN[family]
    components = pool.components(ROWS, **(ARGUMENTS[family] | hyperparameters))
    assert components.select(pl.col(list(known)).round(12)).row(0, named=True) == known
    assert components["converged"].all()
