"""Functions of scipy.special: some are functions of the other pages under SciPy's names, the rest SciPy's own.

Slopes keep their digits, by functions that the pages beside this one state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from ...engine.op import TABLE, diagonal, elementwise
from ...engine.sampling import NONZERO, POSITIVE, UNIT
from .. import activations, entropies
from ..bell import bell
from ..orders import ORDER, SHAPE, refusal
from ..polygamma import polygamma, polygamma_step
from .bessel import bessel_i, bessel_moment
from .densities import beta_density, gamma_density
from .normal import DENSITY, PROBABILITY, erfcx_moment, inverse_mills, quantile_density, quantile_slope


def twin(ufunc: np.ufunc, ours: Callable[..., Any]) -> None:
    """State that a ufunc of SciPy has the rule of a function that is in the table; its values are SciPy's."""
    name = ufunc.__name__
    own: dict[str, Any] = {"label": name, "page": "scipy.special", "activation": False}
    TABLE[ufunc] = replace(TABLE[ours], function=ufunc, forward=ufunc, **own)


def _digamma_slope(x: Any) -> Any:
    """That of ψ, which has none at infinity, as ln has none."""
    return polygamma(1, np.where(np.isinf(x), np.nan, x))


def _i1e_slope(x: Any) -> Any:
    return bessel_moment(2, np.abs(x)) - bessel_moment(1, np.abs(x))


# fmt: off
for _ufunc, _ours in (
    (special.exp2, np.exp2),
    (special.expm1, np.expm1),
    (special.log1p, np.log1p),
    (special.cbrt, np.cbrt),
    (special.erf, activations.erf),
    (special.erfc, activations.erfc),
    (special.expit, activations.sigmoid),
    (special.log_expit, activations.log_sigmoid),
    (special.xlogy, entropies.xlogy),
    (special.xlog1py, entropies.xlog1py),
    (special.entr, entropies.entr),
    (special.rel_entr, entropies.rel_entr),
    (special.kl_div, entropies.kl_div),
):
    twin(_ufunc, _ours)
# The error function and the normal distribution.
elementwise(special.erfinv, "erfinv", "y = the s with erf s = x", lambda y, x: 1.0 / quantile_slope(x), domain=UNIT,
    kink="at -1, 1: inf", parity="odd")
elementwise(special.erfcx, "erfcx", "y = e^x² erfc x", lambda y, x: -2.0 * erfcx_moment(1, x))
elementwise(special.ndtr, "ndtr", "y = Φ(x), the share of a normal distribution below x",
    lambda y, x: DENSITY * bell(x))
elementwise(special.log_ndtr, "log_ndtr", "y = ln Φ(x)", lambda y, x: inverse_mills(x))
elementwise(special.ndtri, "ndtri", "y = the s with Φ(s) = x", lambda y, x: 1.0 / quantile_density(x),
    domain=PROBABILITY, kink="at 0, 1: inf")
elementwise(special.logit, "logit", "y = ln(x / (1 - x))", lambda y, x: 1.0 / x + 1.0 / (1.0 - x),
    domain=PROBABILITY, kink="at 0, 1: inf", meaning=lambda x: np.log(x / (1 - x)))
# Γ and its kin.
elementwise(special.gamma, "gamma", "y = Γ(x)", lambda y, x: y * special.psi(x), domain=POSITIVE,
    kink="at 0: -inf; at -1, -2, ...: nan")
elementwise(special.gammaln, "gammaln", "y = ln |Γ(x)|", lambda y, x: special.psi(x), domain=POSITIVE,
    kink="at 0: -inf; at -1, -2, ...: nan")
elementwise(special.loggamma, "loggamma", "y = ln Γ(x)", lambda y, x: special.psi(x), domain=POSITIVE,
    kink="at 0: -inf")
elementwise(special.psi, "digamma", "y = ψ(x) = Γ′(x) / Γ(x)", lambda y, x: _digamma_slope(x), domain=POSITIVE,
    kink="at 0, -1, ...: inf")
elementwise(special.beta, "beta", "y = B(a, b) = Γ(a) Γ(b) / Γ(a + b)",
    lambda y, a, b: -y * polygamma_step(0, a, b), lambda y, a, b: -y * polygamma_step(0, b, a),
    domain=(POSITIVE, POSITIVE), kink="at 0: -inf")
elementwise(special.betaln, "betaln", "y = ln |B(a, b)|", lambda y, a, b: -polygamma_step(0, a, b),
    lambda y, a, b: -polygamma_step(0, b, a), domain=(POSITIVE, POSITIVE), commutative=True,
    kink="at 0: -inf")
diagonal(special.gammainc, "gammainc", "y = ∫ s^(a-1) e^-s ds / Γ(a), s from 0 to x",
    refusal("gammainc", "shape a"), lambda g, y, a, x: g * gamma_density(a, x), domain=(SHAPE, POSITIVE),
    kink="at 0: inf for a < 1")
diagonal(special.gammaincc, "gammaincc", "y = 1 - gammainc(a, x)", refusal("gammaincc", "shape a"),
    lambda g, y, a, x: -g * gamma_density(a, x), domain=(SHAPE, POSITIVE), kink="at 0: -inf for a < 1")
diagonal(special.betainc, "betainc", "y = ∫ s^(a-1) (1-s)^(b-1) ds / B(a, b), s from 0 to x",
    refusal("betainc", "shape a"), refusal("betainc", "shape b"),
    lambda g, y, a, b, x: g * beta_density(a, b, x), domain=(SHAPE, SHAPE, PROBABILITY),
    kink="at 0: inf for a < 1; at 1: inf for b < 1")
# Bessel functions.
elementwise(special.i0, "i0", "y = I0(x)", lambda y, x: special.i1(x), parity="even")
elementwise(special.i1, "i1", "y = I1(x)", lambda y, x: 0.5 * (special.i0(x) + bessel_i(2, x)),
    parity="odd")
elementwise(special.i0e, "i0e", "y = e^-|x| I0(x)", lambda y, x: -np.sign(x) * bessel_moment(1, np.abs(x)),
    domain=NONZERO, parity="even", kink="at 0: 0")
elementwise(special.i1e, "i1e", "y = e^-|x| I1(x)", lambda y, x: _i1e_slope(x), domain=NONZERO, parity="odd")
elementwise(special.j0, "j0", "y = J0(x)", lambda y, x: -special.j1(x), parity="even")
elementwise(special.j1, "j1", "y = J1(x)", lambda y, x: 0.5 * (special.j0(x) - special.jv(2, x)), parity="odd")
diagonal(special.iv, "iv", "y = Iv(x)", refusal("iv", "order v"),
    lambda g, y, v, x: g * (0.5 * (bessel_i(v - 1, x) + bessel_i(v + 1, x))),
    domain=(ORDER, POSITIVE))
diagonal(special.jv, "jv", "y = Jv(x)", refusal("jv", "order v"),
    lambda g, y, v, x: g * (0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x))),
    domain=(ORDER, POSITIVE))
