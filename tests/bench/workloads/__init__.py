"""What the benchmark of the compiler runs: each workload once for all libraries, and twice by hand in NumPy."""

from .elementwise import CHAIN
from .network import NETWORKS
from .others import BLOCK, LOGISTIC, PRODUCT, ROSENBROCK
from .workload import Workload

WORKLOADS: dict[str, Workload] = {w.name: w for w in (*NETWORKS, BLOCK, CHAIN, PRODUCT, LOGISTIC, ROSENBROCK)}

__all__ = ["WORKLOADS", "Workload"]
