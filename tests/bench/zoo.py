"""The zoo of gradients, right and wrong (`tests/check/zoo`):  python -m tests.bench.zoo

Prints a table in Markdown: how many mistakes of each kind are caught, how many are named as that kind, and how many
right derivatives are accepted.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")]


def report_on(case: Any) -> Any:
    import minigrad

    f, args, given = case.fresh()
    return minigrad.gradient_report(f, args, **given)


def main() -> None:
    from check import zoo

    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    planted, caught, named = Counter[str](), Counter[str](), Counter[str]()
    for case in zoo.MISTAKES:
        report = report_on(case)
        found = {finding.kind for finding in report.findings} & case.kinds
        kind = min(found or case.kinds)
        planted[kind] += 1
        caught[kind] += report.verdict == "disagree"
        named[kind] += bool(found)
    verdicts = [(report_on(case).verdict, case) for case in zoo.RIGHT]
    accepted = sum(verdict == "agree" for verdict, _ in verdicts)
    alarms = [case.name for verdict, case in verdicts if verdict not in case.verdicts]
    print("| kind | mistakes | caught | named |\n|---|---|---|---|")
    for kind in sorted(planted, key=lambda kind: (-planted[kind], kind)):
        print(f"| {kind} | {planted[kind]} | {caught[kind]} | {named[kind]} |")
    print(f"| all | {planted.total()} | {caught.total()} | {named.total()} |\n")
    print(f"{len(verdicts)} right derivatives: {accepted} accepted, {len(alarms)} refused that should not be")
    print("\n".join(f"  {name}" for name in alarms), end="\n" if alarms else "")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
