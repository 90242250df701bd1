"""The networks of the discussions that started the project, with their data, as arguments of `draw`."""

from seeds import NETWORKS

SEEDS = {name: network for name, (network, _) in NETWORKS.items()}
