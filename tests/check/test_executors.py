"""Many cores and many machines: the same report to the last bit, and no verdict where a worker has died."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import executing
import numpy as np
import pytest

import minigrad
from minigrad.errors import ArgumentError, MinigradError

rng = np.random.default_rng(0)
NETWORK = (rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(5, 3)))
CHECKS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "right": (executing.network, NETWORK, {"grad": executing.network_gradient}),
    "wrong": (executing.network, NETWORK, {"grad": executing.network_gradient_wrong_in_one}),
    "minigrad's own": (executing.network, NETWORK, {}),
    "second order": (executing.network, NETWORK, {"order": 2, "argnums": 1}),
    "an array": (executing.rows, np.linspace(-1, 2, 9), {"vjp": executing.rows_vjp}),
    "many entries": (executing.rows, np.linspace(-1, 2, 150), {"vjp": executing.rows_vjp}),
    "raises on one side": (
        executing.partial_domain,
        np.array([0.59, 0.41]),
        {"grad": executing.partial_domain_gradient},
    ),
}


class Counting(Executor):
    """An executor that counts what it is asked for."""

    def __init__(self, inner: Executor) -> None:
        self.inner, self.count = inner, 0

    def submit(self, *call: Any, **named: Any) -> Future[Any]:
        self.count += 1
        return self.inner.submit(*call, **named)


def processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


@functools.cache
def serial_report(check: str) -> minigrad.Report:
    f, args, given = CHECKS[check]
    return minigrad.gradient_report(f, args, **given)


def assert_same_as_serial(executor: Executor, check: str) -> None:
    f, args, given = CHECKS[check]
    counting, serial = Counting(executor), serial_report(check)
    shared = minigrad.gradient_report(f, args, executor=counting, **given)
    assert counting.count > 1, "in several pieces, or there would be nothing to be put together"
    assert shared == serial and str(shared) == str(serial) and repr(shared) == repr(serial)
    assert serial.verdict == ("disagree" if check == "wrong" else "agree"), serial


@pytest.fixture(scope="module", params=[1, 2, 3])
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    with processes(request.param) as executor:
        yield executor


@pytest.mark.parametrize("check", CHECKS)
def test_processes_give_the_serial_report_to_the_last_bit(check: str, pool: ProcessPoolExecutor) -> None:
    assert_same_as_serial(pool, check)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_threads_give_the_serial_report_to_the_last_bit(workers: int) -> None:
    with ThreadPoolExecutor(workers) as executor:
        for check in ("wrong", "an array", "raises on one side"):
            assert_same_as_serial(executor, check)


def test_numerical_derivatives_are_the_serial_ones_to_the_last_bit(pool: ProcessPoolExecutor) -> None:
    x = np.linspace(-1, 2, 7)
    for estimate, f in ((minigrad.numeric_jacobian, executing.rows), (minigrad.numeric_gradient, np.linalg.norm)):
        serial, shared = estimate(f, x), estimate(f, x, executor=pool)
        np.testing.assert_array_equal(shared.value, serial.value)
        np.testing.assert_array_equal(shared.error, serial.error)
        assert shared.evaluations == serial.evaluations


def test_a_budget_ends_at_the_same_evaluation(pool: ProcessPoolExecutor) -> None:
    f, args, given = CHECKS["right"]
    serial, shared = (minigrad.gradient_report(f, args, evaluations=300, executor=e, **given) for e in (None, pool))
    assert serial == shared and serial.evaluations <= 300


def test_progress_counts_every_evaluation(pool: ProcessPoolExecutor) -> None:
    f, args, given = CHECKS["right"]
    amounts: list[int] = []
    report = minigrad.gradient_report(f, args, executor=pool, progress=amounts.append, **given)
    assert sum(amounts) == report.evaluations > 0


def test_a_worker_that_dies_is_an_error_and_no_verdict() -> None:
    x = np.array([0.5, -1.0])
    assert minigrad.check_grads(executing.leaves_the_process, x, grad=executing.leaves_gradient).ok
    with processes(2) as executor, pytest.raises(MinigradError, match=r"a worker ended .* no verdict") as caught:
        minigrad.gradient_report(executing.leaves_the_process, x, grad=executing.leaves_gradient, executor=executor)
    assert "try it without executor=" in str(caught.value)
    assert not isinstance(caught.value, (minigrad.GradientMismatch, minigrad.GradientUnresolved))


def test_a_function_that_cannot_be_sent_says_what_to_write() -> None:
    def inner(x: Any) -> Any:
        return np.sum(x**2)

    for f in (inner, lambda x: np.sum(x**2)):
        with (
            processes(1) as executor,
            pytest.raises(ArgumentError, match=r"(?s)cannot be sent.*write  it with def at the top of a module"),
        ):
            minigrad.gradient_report(f, np.ones(3), grad=lambda x: 2 * x, executor=executor)


# --------------------------------------------------------------------------------------------------- Dask


@pytest.fixture(scope="module")
def dask() -> Iterator[Executor]:
    """Two workers, each a process of its own, behind Dask's scheduler."""
    distributed = pytest.importorskip("distributed", reason="needs the extra: pip install 'minigrad[distributed]'")
    config = pytest.importorskip("dask").config
    quiet = {"distributed.scheduler.allowed-failures": 0, "distributed.worker.daemon": True}
    with (
        config.set(quiet),
        distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        yield executor


@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_serial_report_to_the_last_bit(dask: Executor) -> None:
    for check in ("wrong", "an array", "minigrad's own"):
        assert_same_as_serial(dask, check)


@pytest.mark.filterwarnings("ignore")
def test_a_dask_worker_that_dies_is_an_error_and_no_verdict(dask: Executor) -> None:
    x = np.array([0.5, -1.0])
    with pytest.raises(MinigradError, match=r"a worker ended .* no verdict"):
        minigrad.gradient_report(executing.leaves_the_process, x, grad=executing.leaves_gradient, executor=dask)
