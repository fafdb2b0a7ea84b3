"""The public verbs: a frame of either kind in, one of the same kind out.

A verb imports the computations of its model when it is called: importing them takes time, NumPy most of all.
"""

from .coefficients import coefficients as coefficients
from .compare import compare as compare
from .components import components as components
from .encode import encode as encode
from .merge import merge as merge
from .moments import moments as moments
from .posterior_draws import posterior_draws as posterior_draws
from .predict import predict as predict
from .profile import profile as profile
from .rank import rank as rank
from .regress import regress as regress
from .regress_coefficients import regress_coefficients as regress_coefficients
from .regress_components import regress_components as regress_components
from .shrink import shrink as shrink
