"""The functions of SciPy that this package uses; no other file imports SciPy."""

from scipy.special import betainc as betainc
from scipy.special import betaincc as betaincc
from scipy.special import betaincinv as betaincinv
from scipy.special import chdtrc as chdtrc
from scipy.special import chdtri as chdtri
from scipy.special import digamma as digamma
from scipy.special import expit as expit
from scipy.special import fdtrc as fdtrc
from scipy.special import fdtri as fdtri
from scipy.special import gammainc as gammainc
from scipy.special import gammaincc as gammaincc
from scipy.special import gammaincinv as gammaincinv
from scipy.special import gammaln as gammaln
from scipy.special import logit as logit
from scipy.special import ndtr as ndtr
from scipy.special import ndtri as ndtri
from scipy.special import polygamma as polygamma
from scipy.special import sici as sici
from scipy.special import stdtr as stdtr
from scipy.special import stdtrit as stdtrit
from scipy.special import xlog1py as xlog1py
from scipy.special import xlogy as xlogy
