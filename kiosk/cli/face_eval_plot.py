"""The plot of `kiosk face-eval`: FNMR over FMR (DET), and below both over the threshold; a column for each score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kiosk.cli import face_eval_figures as figures

if TYPE_CHECKING:
    from kiosk.cli.face_eval import Outcome, Report

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31")  # for all eyes
_ALL = "#000000"
_LOWEST = 1e-6


def draw(path: Path, report: Report) -> None:
    """Write the plot. The seven largest groups are drawn, and all together. Raises `OSError`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [outcome for outcome in report.outcomes if outcome.gate]
    figure = Figure(figsize=(max(8.0, 5.6 * len(shown)), 9.4), layout="constrained")
    FigureCanvasAgg(figure)
    for number, outcome in enumerate(shown, start=1):
        curves = _curves(report, outcome)
        _det(figure.add_subplot(2, len(shown), number), outcome, curves)
        _by_threshold(figure.add_subplot(2, len(shown), len(shown) + number), outcome, curves)
    figure.suptitle(
        f"Mean of {report.frames}, card {report.card}. No figure exists for people over 70, children, or ten-year-old "
        "photos.",
        fontsize=11,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


_Curves = list[tuple[str, figures.Curve, dict[str, Any]]]


def _curves(report: Report, outcome: Outcome) -> _Curves:
    *groups, everybody = report.groups(outcome)
    found = []
    for (name, group), colour in zip((*groups[: len(_COLOURS)], everybody), (*_COLOURS, _ALL), strict=False):
        last = group is None
        style = {"color": _ALL if last else colour, "linewidth": 2.4 if last else 1.4, "zorder": 2 if last else 3}
        found.append((name, outcome.distances.curve(group), style))
    return [each for each in found if each[1].strangers]


def _det(axes: Any, outcome: Outcome, curves: _Curves) -> None:
    both = [each for each in curves if each[1].alike]
    floor = 0.5 / max((curve.alike for _, curve, _ in both), default=100)
    left = max(_LOWEST, 0.5 / max((curve.strangers for _, curve, _ in both), default=100))
    for name, curve, style in both:
        fmr, fnmr = curve.rates()
        known = fmr > 0  # where no stranger passes the rate is unknown, and the curve ends
        label = f"{name}: {curve.strangers:,} / {curve.alike:,}"
        axes.plot(fmr[known], np.maximum(fnmr[known], floor), drawstyle="steps-post", label=label, **style)
        for persons in (outcome.persons[at] for at in ("shipped", "library") if at in outcome.persons):
            edge = round(persons.threshold * figures.STEPS)
            marker = {"marker": "o", "markersize": 7, "color": style["color"], "clip_on": False, "zorder": 4}
            axes.plot(max(fmr[edge], left), max(fnmr[edge], floor), **marker)
    axes.axvline(figures.FMR_BAR, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlim=(left, 1), ylim=(floor, 1))
    axes.set_xlabel("false match rate (FMR); the left edge is none")
    axes.set_ylabel("false non-match rate (FNMR); the lower edge is none")
    axes.set_title(f"{outcome.score}; dot: the threshold in use", fontsize=10)
    axes.grid(True, which="major", color="0.9")
    axes.legend(fontsize=8, loc="upper right", title="pairs of strangers / of one person", title_fontsize=8)


def _by_threshold(axes: Any, outcome: Outcome, curves: _Curves) -> None:
    lowest = 0.5 / max((curve.strangers for _, curve, _ in curves), default=100)
    furthest = 0.1
    for name, curve, style in curves:
        fmr, fnmr = curve.rates()
        at = np.arange(len(fmr)) / figures.STEPS
        furthest = max(furthest, float(at[np.searchsorted(fmr, 0.5)]))
        axes.plot(at, np.where(fmr > 0, fmr, np.nan), drawstyle="steps-post", label=f"FMR {name}", **style)
        if name == curves[-1][0] and curve.alike:
            shown = np.where(fnmr > 1e-12, fnmr, np.nan)
            axes.plot(at, shown, drawstyle="steps-post", label=f"FNMR {name}", **style | {"linestyle": "--"})
    for at_name in ("shipped", "library"):
        if at_name in outcome.persons:
            axes.axvline(outcome.persons[at_name].threshold, color="0.3", linewidth=1.0)
    axes.axhline(figures.FMR_BAR, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlim=(0, furthest), ylim=(max(_LOWEST, lowest), 1))
    axes.set_xlabel("threshold; upright line: in use")
    axes.set_ylabel("rate")
    axes.grid(True, which="major", color="0.9")
    axes.legend(fontsize=8, loc="lower right")
