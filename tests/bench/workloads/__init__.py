"""What the benchmark of the compiler runs: each workload once for all libraries, and by hand in NumPy."""

from .convolution import CONVOLUTION
from .elementwise import CHAINS, SMALL_CALLS
from .gaussian_process import PROCESS
from .hessian import PRODUCT
from .network import NETWORKS
from .recurrent import RECURRENT
from .regression import LOGISTIC, NORMALISED
from .rosenbrock import ROSENBROCKS
from .transformer import TRANSFORMER
from .workload import Workload

_EVERY = (
    *NETWORKS,
    RECURRENT,
    TRANSFORMER,
    *CHAINS,
    *SMALL_CALLS,
    PRODUCT,
    PROCESS,
    CONVOLUTION,
    *ROSENBROCKS,
    NORMALISED,
    LOGISTIC,
)
WORKLOADS: dict[str, Workload] = {w.name: w for w in _EVERY}

__all__ = ["WORKLOADS", "Workload"]
