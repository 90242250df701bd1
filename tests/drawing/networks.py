"""The networks of the threads that the project grew out of, at their data: what `draw` takes."""

from seeds import NETWORKS

SEEDS = {name: network for name, (network, _) in NETWORKS.items()}
