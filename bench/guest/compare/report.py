"""Medians, ratios and what they say, as a table and as JSON."""

import math
import statistics

GOAL_LINE = 2.0  # each line at least so many times as fast as QEMU, or within NEAR_NATIVE of native
GOAL_MEAN = 3.0
NEAR_NATIVE = 1.3


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else None


def ratio(a, b):
    return a / b if a and b else None


class Line:
    """One workload on all engines; `by` names the field of the samples that counts: guest or cpu."""

    def __init__(self, workload, samples, by):
        self.workload = workload
        self.samples = samples  # engine name: list of Sample
        self.median = {engine: statistics.median(getattr(s, by) for s in taken)
                       for engine, taken in samples.items() if taken}
        self.speedup = ratio(self.median.get("qemu"), self.median.get("vireo"))
        self.scaling = ratio(self.median.get("one hart"), self.median.get("vireo"))
        self.against_user = ratio(self.median.get("user"), self.median.get("vireo"))
        self.against_native = ratio(self.median.get("vireo"), self.median.get("native"))

    def checksums(self):
        return {s.checksum for taken in self.samples.values() for s in taken}

    def reaches_goal(self):
        if self.speedup is None:
            return None
        near = self.against_native is not None and self.against_native <= NEAR_NATIVE
        return self.speedup >= GOAL_LINE or near

    def drift(self):
        """The largest part by which the guest's clock and the host's differ, of samples long enough to tell."""
        parts = [abs(s.host - s.guest) / s.host for name in ("vireo", "qemu") for s in self.samples.get(name, [])
                 if s.host > 500]
        return max(parts, default=0.0)


def number(value, digits):
    return f"{value:.{digits}f}" if value is not None else "-"


def table(lines, about):
    head = ["workload", "native", "qemu-user", "qemu", "vireo", "qemu/vireo", "user/vireo", "vireo/native", ""]
    rows = [head]
    for line in lines:
        median = line.median
        rows.append([line.workload.name, *(number(median.get(e), 0) for e in ("native", "user", "qemu", "vireo")),
                     number(line.speedup, 2), number(line.against_user, 2), number(line.against_native, 2),
                     "below 2x" if line.reaches_goal() is False else ""])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    text = [about]
    for row in rows:
        cells = [cell.ljust(w) if i in (0, len(head) - 1) else cell.rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text + summary(lines))


def summary(lines):
    text = []
    judged = [line for line in lines if line.speedup]
    if judged:
        mean = geometric_mean(line.speedup for line in judged)
        below = sum(line.reaches_goal() is False for line in judged)
        text.append(f"geometric mean of qemu/vireo: {mean:.2f} over {len(judged)} lines (the goal: {GOAL_MEAN:.0f}); "
                    f"{below} below {GOAL_LINE:.0f}x and not within {NEAR_NATIVE} of native")
    against_user = [line.against_user for line in lines if line.against_user]
    if against_user:
        text.append(f"geometric mean of qemu-user/vireo: {geometric_mean(against_user):.2f} "
                    f"over {len(against_user)} compute lines (the goal: 1)")
    for line in lines:
        if len(line.checksums()) > 1:
            text.append(f"WRONG: {line.workload.name} has different results: "
                        + "; ".join(f"{e} {' '.join(sorted({s.checksum for s in t}))}" for e, t in line.samples.items()))
        if line.drift() > 0.1:
            text.append(f"clocks: {line.workload.name} took the host {line.drift():.0%} more or less than the guest says")
    return text


def as_json(lines, facts):
    return {
        **facts,
        "geometric_mean": geometric_mean(line.speedup for line in lines),
        "geometric_mean_user": geometric_mean(line.against_user for line in lines),
        "workloads": [{
            "name": line.workload.name, "kind": line.workload.kind, "about": line.workload.about,
            "checksums": sorted(line.checksums()), "median_ms": line.median, "qemu_over_vireo": line.speedup,
            "user_over_vireo": line.against_user, "vireo_over_native": line.against_native,
            "one_hart_over_harts": line.scaling,
            "samples": {engine: [vars(s) for s in taken] for engine, taken in line.samples.items()},
        } for line in lines],
    }
