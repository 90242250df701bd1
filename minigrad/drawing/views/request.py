"""The request to a view: a Value or a model at its data, and results that all views share."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ...engine.value import Value, graph
from ...nn.mlp import MLP
from ...nn.module import Module
from ..equal_groups import Letters, letters
from ..graph_data import Survey, survey
from .mlp_run import SECONDS, Loss, Run, loss_or_default, record_prediction, run_mlp

PAGE = 1_000.0  # pixels, three quarters of a point each
SMALL = 500  # maximum values of a graph, or parameters of a model, for which the viewer gets every view


@dataclass(frozen=True, eq=False)
class ViewRequest:
    """A Value, or a model with its data, and the caller's options.

    subject: the Value or the Module. x, y, loss: data and loss of a model; y and loss may be None. names: for
    values without a name of their own. wrong: serials of values made by an op whose rule is wrong. sums: whether
    a long sum is one node. repeats: whether a repeated part is one box ×n. neurons: the most neurons per layer to
    show one by one; None lets the view choose. seconds: time limit of the picture. width: of the page, in pixels.

    Each property is computed on first use, and only once for all views.
    """

    subject: Value | Module
    x: object = None
    y: object = None
    loss: Loss | None = None
    names: Mapping[str, object] = field(default_factory=dict)
    wrong: Collection[int] = ()
    sums: bool = True
    repeats: bool = True
    neurons: int | None = None
    seconds: float = SECONDS
    width: float = PAGE

    @property
    def kind(self) -> str:
        """``"value"`` or ``"model"``."""
        return "model" if isinstance(self.subject, Module) else "value"

    @property
    def model(self) -> Module | None:
        """The model; None if a Value is drawn."""
        return self.subject if isinstance(self.subject, Module) else None

    @functools.cached_property
    def result(self) -> Value:
        """The drawn Value; for a model, its loss at the data."""
        if isinstance(self.subject, Value):
            return self.subject
        return record_prediction(self.subject, self.x, self.y, loss_or_default(self.y, self.loss))[1]

    @functools.cached_property
    def survey(self) -> Survey:
        """The graph of `result`: values, gradients, uses, names."""
        if self.model is None:
            return survey(self.result, self.names, self.wrong)
        called = "sum" if self.y is None else "loss"  # as on the cards
        names = {"model": self.model, "x": self.x, "y": self.y, called: self.result} | dict(self.names)
        return survey(self.result, names, self.wrong, [p.serial for p in self.model.parameters()])

    @functools.cached_property
    def letters(self) -> Letters:
        """The groups of equal gradients of the survey, with their proof."""
        return letters(self.survey)

    @functools.cached_property
    def network(self) -> Run | None:
        """The run of a network built like `nn.MLP`; None for any other subject."""
        model = self.subject
        if not isinstance(model, MLP) or type(model).__call__ is not MLP.__call__:
            return None
        return run_mlp(model, self.x, self.y, self.loss, self.seconds)

    @functools.cached_property
    def is_small(self) -> bool:
        """Whether it is small enough to make every view at once."""
        entries = 0 if self.model is None else sum(p.size for p in self.model.parameters())
        return entries <= SMALL and len(graph(self.result)) <= SMALL
