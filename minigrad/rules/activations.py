"""Activations, softmax, and the error function, which gelu needs. logsumexp is on the page `reductions`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched, elementwise, op
from ..engine.sampling import NONZERO, REAL, Call, Domain, Draw
from . import vmap_rules
from .bell import bell, gaussian
from .composed import composed


@dispatched
def relu(x: Any) -> Any:
    """max(x, 0), elementwise; its derivative at 0 is 0."""
    return np.maximum(x, 0)


@dispatched
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), elementwise, with no overflow at either end."""
    e = np.exp(-np.abs(x))
    # e is at most 1: the larger is 1 for x ≥ 0, and e elsewhere; np.where does the same, six times slower.
    return np.maximum(e, np.greater_equal(x, 0)) / (1.0 + e)


@dispatched
def softplus(x: Any) -> Any:
    """ln(1 + exp(x)), elementwise: a smooth relu."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # np.logaddexp(x, 0), twenty times faster


@dispatched
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / Σ exp(x) along the axis (the last by default); the shape stays."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@dispatched
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """ln softmax(x) along the axis (the last by default), exact also where softmax rounds to 0."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _shares(x: Any, axis: Any = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """The Jacobian of softmax is symmetric: the rule is vjp and jvp."""
    return y * less_mean(less_mean(g, y, axis), y, axis)


def less_mean(g: Any, p: Any, axis: Any) -> Any:
    """g - Σ p g. Where a probability rounds to 1, the first time leaves rounding there, the second time digits."""
    return g - np.sum(g * p, axis=axis, keepdims=True)


def less_total(g: Any, p: Any, axis: Any) -> Any:
    """g - p Σ g, the transpose of `less_mean`; twice for the same reason."""
    return g - p * np.sum(g, axis=axis, keepdims=True)


# Of x, not of y, whose size may have rounded digits away.
def _log_softmax_back(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    p = softmax(x, axis)
    return less_total(less_total(g, p, axis), p, axis)


def _log_softmax_along(t: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    p = softmax(x, axis)
    return less_mean(less_mean(t, p, axis), p, axis)


def _along_axis(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"axis": draw.choice([*range(-x.ndim, x.ndim), tuple(range(x.ndim))])}


# Chebyshev coefficients, computed with 50 digits and cut where they fall below 1e-17:
# erf(x) / x for |x| < 1, in 2x² - 1
_NEAR = (
    *(0.9754769393826541, -0.14226120510371365, 0.010035582187599796, -0.0005768764699767485),
    *(2.741993125219606e-05, -1.1043175507344507e-06, 3.8488755420345036e-08, -1.1808582533875466e-09),
    *(3.2334215826050907e-11, -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16),
    7.103599003714253e-18,
)
# (1 + 2x) exp(x²) erfc(x) for x ≥ 0, in (x - 3.75) / (x + 3.75), after Shepherd and Laframboise (1981)
_FAR = (
    *(1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189),
    *(-0.026658668435305753, 0.009074997670705265, -0.002413163540417608, 0.0004907758365258086),
    *(-6.916973302501207e-05, 4.13902798607301e-06, 7.74038306619849e-07, -2.1886401049234397e-07),
    *(1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10, -6.318088340886684e-11),
    *(2.86879501093067e-11, 1.9455868545777347e-13, -9.65469674843344e-13, 3.25254814814874e-14),
    *(3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17),
    *(5.068148904796111e-17, -2.2370566594359995e-18, -2.187342944303018e-18),
)
_BEYOND = 30.0  # erfc is 0 in floats from 27.3 on


def _tail(a: Any, decay: Any = None) -> Any:
    """erfc(a) for a ≥ 0. decay: exp(-a²), if a is rounded and decay is not."""
    a = np.minimum(a, _BEYOND)
    series = np.polynomial.chebyshev.chebval((a - 3.75) / (a + 3.75), _FAR)
    return (gaussian(a, 1.0) if decay is None else decay) * series / (1.0 + 2.0 * a)


def _core(x: Any) -> Any:
    """erf(x) for |x| < 1."""
    x = np.clip(x, -1.0, 1.0)
    return x * np.polynomial.chebyshev.chebval(2.0 * x * x - 1.0, _NEAR)


def _like(y: Any, x: Any) -> Any:
    """y in the type of x, if x holds floats."""
    kind = np.result_type(x)
    return y.astype(kind)[()] if kind.kind == "f" else y[()]


@dispatched
def erf(x: Any) -> Any:
    """2/√π ∫ exp(-s²) ds from 0 to x, elementwise; right to 2 units in the last place."""
    z = np.asarray(x, dtype=np.float64)
    return _like(np.where(np.abs(z) < 1.0, _core(z), np.copysign(1.0 - _tail(np.abs(z)), z)), x)


@dispatched
def erfc(x: Any) -> Any:
    """1 - erf(x), elementwise, right to 6 units in the last place, also where erf(x) rounds to 1."""
    z = np.asarray(x, dtype=np.float64)
    tail = _tail(np.abs(z))
    return _like(np.where(np.abs(z) < 0.5, 1.0 - _core(z), np.where(z < 0, 2.0 - tail, tail)), x)


_SLOPE = float(2 / np.sqrt(np.pi))

_ROOT_HALF, _DENSITY = float(np.sqrt(0.5)), float(1 / np.sqrt(2 * np.pi))


@dispatched
def share_below(x: Any) -> Any:
    """Φ(x), the share of a normal distribution below x, elementwise; with all its digits also where it is small."""
    z = np.asarray(x, dtype=np.float64)
    a = _ROOT_HALF * z
    tail = 0.5 * _tail(np.abs(a), gaussian(z, 0.5))
    return _like(np.where(np.abs(a) < 0.5, 0.5 + 0.5 * _core(a), np.where(z < 0, tail, 1.0 - tail)), x)


_STEEP = float(2 * np.sqrt(2 / np.pi))


def _inner(x: Any) -> Any:
    """The z of the tanh form: (1 + tanh(z / 2)) / 2 = sigmoid(z), which is close to Φ(x)."""
    x = np.clip(x, -_BEYOND, _BEYOND)
    return _STEEP * (x + 0.044715 * x * x * x)


@dispatched
def gelu(x: Any, approximate: bool = False) -> Any:
    """x Φ(x), elementwise: Hendrycks and Gimpel (2016); approximate=True is their form with tanh."""
    return x * (sigmoid(_inner(x)) if approximate else share_below(x))


def _gelu(g: Any, y: Any, x: Any, approximate: bool = False) -> Any:
    if not approximate:
        return g * (share_below(x) + x * (_DENSITY * bell(x)))
    z, w = _inner(x), np.clip(x, -_BEYOND, _BEYOND)
    return g * (sigmoid(z) * (1.0 + w * sigmoid(-z) * (_STEEP * (1.0 + 0.134145 * w * w))))


@dispatched
def silu(x: Any) -> Any:
    """x sigmoid(x), elementwise; also called swish."""
    return x * sigmoid(x)


@dispatched
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha (exp(x) - 1), elementwise."""
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0)))


def _elu(g: Any, y: Any, x: Any, alpha: float = 1.0) -> Any:
    return g * np.where(np.greater(x, 0), 1.0, alpha * np.exp(np.minimum(x, 0.0)))


# Klambauer and others (2017): these keep mean 0 and variance 1 from layer to layer.
_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772


@dispatched
def selu(x: Any) -> Any:
    """1.0507 x where x > 0, else 1.7581 (exp(x) - 1), elementwise."""
    return _SCALE * elu(x, _ALPHA)


@dispatched
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x, elementwise."""
    return np.where(np.greater(x, 0), x, negative_slope * x)


def _leaky_relu(g: Any, y: Any, x: Any, negative_slope: float = 0.01) -> Any:
    return g * np.where(np.greater(x, 0), 1.0, negative_slope)


@dispatched
def hard_tanh(x: Any) -> Any:
    """x, kept between -1 and 1, elementwise."""
    return np.clip(x, -1.0, 1.0)


@dispatched
def relu6(x: Any) -> Any:
    """x, kept between 0 and 6, elementwise."""
    return np.clip(x, 0.0, 6.0)


@dispatched
def softsign(x: Any) -> Any:
    """x / (1 + |x|), elementwise."""
    return x / (1.0 + np.abs(x))


@dispatched
def log_sigmoid(x: Any) -> Any:
    """ln sigmoid(x), elementwise, exact also where sigmoid rounds to 0 or 1."""
    return -softplus(-x)


_BENDS = Domain("real, not -1 or 1", -3.0, 3.0, avoid=(-1.0, 1.0))
_SIX = Domain("real, not 0 or 6", -3.0, 9.0, avoid=(0.0, 6.0))


def _with(domain: Domain, name: str, *choices: Any) -> Any:
    def calls(draw: Draw) -> Call:
        return (draw.array(domain, draw.shape()),), draw.choice([{}, *({name: choice} for choice in choices)])

    return calls


def _glu_call(draw: Draw) -> Call:
    shape = [*draw.shape(min_dims=1)]
    axis = draw.integer(-len(shape), len(shape) - 1)
    shape[axis] = 2
    return (draw.array(REAL, tuple(shape)),), {"axis": axis}


def glu(x: Any, axis: int = -1) -> Any:
    """a · sigmoid(b), where a and b are the two halves of x along the axis: Dauphin and others (2017).

    x: any shape, of even length along the axis. ValueError for an odd one.
    """
    if np.shape(x)[axis] % 2:
        raise ValueError(f"glu: expected an even length along axis {axis}, got shape {np.shape(x)}")
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)


_function: Any
_left = "at 0: the slope on the left"


# fmt: off
elementwise(relu, "relu", "y = max(x, 0)", lambda y, x: np.greater(x, 0), domain=NONZERO,
    selects=True, kink="at 0: 0", activation=True, meaning=lambda x: np.maximum(x, 0))
# y (1 - y) loses its digits where y is close to 1
elementwise(sigmoid, "sigmoid", "y = 1 / (1 + e^-x)", lambda y, x: y * sigmoid(-x), activation=True,
    meaning=lambda x: (1 + np.tanh(x / 2)) / 2)
elementwise(softplus, "softplus", "y = ln(1 + e^x)", lambda y, x: sigmoid(x), activation=True,
    meaning=lambda x: np.log(1 + np.exp(x)))
elementwise(erf, "erf", "y = 2/√π ∫ e^-s² ds", lambda y, x: _SLOPE * np.square(bell(x)), parity="odd")
elementwise(erfc, "erfc", "y = 1 - erf x", lambda y, x: -_SLOPE * np.square(bell(x)))
elementwise(share_below, "Φ", "y = ∫ e^-s²/2 ds / √2π", lambda y, x: _DENSITY * bell(x))
elementwise(silu, "silu", "y = x / (1 + e^-x)", lambda y, x: sigmoid(x) * (1.0 + x * sigmoid(-x)),
    activation=True, meaning=lambda x: x * sigmoid(x))
elementwise(selu, "selu", "y = 1.0507 x, or 1.7581 (e^x - 1) below 0", lambda y, x: _elu(_SCALE, y, x, _ALPHA),
    domain=NONZERO, kink="at 0: 1.7581, the slope on the left", activation=True)
elementwise(hard_tanh, "hard_tanh", "y = min(max(x, -1), 1)", lambda y, x: np.less_equal(np.abs(x), 1.0),
    domain=_BENDS, selects=True, kink="at -1 and 1: 1", parity="odd", activation=True)
elementwise(relu6, "relu6", "y = min(max(x, 0), 6)", lambda y, x: np.greater(x, 0.0) & np.less(x, 6.0), domain=_SIX,
    selects=True, kink="at 0 and 6: 0", activation=True,
    meaning=lambda x: np.minimum(np.maximum(x, 0), 6))
diagonal(softsign, "softsign", "y = x / (1 + |x|)", lambda g, y, x: g / (1.0 + np.abs(x)) / (1.0 + np.abs(x)),
    domain=NONZERO, parity="odd", activation=True, meaning=lambda x: x / (1 + np.abs(x)))
elementwise(log_sigmoid, "log_sigmoid", "y = -ln(1 + e^-x)", lambda y, x: sigmoid(-x), activation=True,
    meaning=lambda x: np.log(sigmoid(x)))
for _function, _label, _formula, _rule, _domain, _kink, _choices in (
    (gelu, "gelu", "y = x Φ(x)", _gelu, REAL, "", ("approximate", True, False)),
    (elu, "elu", "y = x, or α (e^x - 1) below 0", _elu, NONZERO, _left, ("alpha", 0.5)),
    (leaky_relu, "leaky_relu", "y = x, or a x below 0", _leaky_relu, NONZERO, _left, ("negative_slope", 0.2)),
):
    op(_function, _label, _formula, domain=(_domain,), vjp=(_rule,), jvp=(_rule,), calls=_with(_domain, *_choices),
        kink=_kink, elementwise=True, gives_new=True, activation=True)
op(softmax, "softmax", "y = e^x / Σ e^x", vjp=(_softmax_rule,), jvp=(_softmax_rule,), calls=_along_axis,
    activation=True, gives_new=True, meaning=_shares, vmap=vmap_rules.along_axis)
op(log_softmax, "log_softmax", "y = x - ln Σ e^x",
    vjp=(_log_softmax_back,), jvp=(_log_softmax_along,), calls=_along_axis,
    activation=True, gives_new=True, meaning=lambda x, axis=-1: np.log(_shares(x, axis)),
    vmap=vmap_rules.along_axis)
composed(glu, "y = a σ(b), a and b the halves of x", _glu_call)(glu)
