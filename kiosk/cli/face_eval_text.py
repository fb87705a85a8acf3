"""The tables that `kiosk face-eval` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kiosk.cli import face_eval_figures as figures
from kiosk.cli.face_eval_pairs import EVERYBODY

if TYPE_CHECKING:
    from kiosk.cli.face_eval import Outcome, Report

_AT = {
    "shipped": "the shipped threshold",
    "library": "what the samples of face_recognition use",
    "equal": "1 in 1,000 of all strangers pass",
}
_NAMES = {"raw": "raw (Euclidean)", "centred": "centred", "projected": "centred and projected"}


def table(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield (
        f"{len(report.trials.pictures)} pictures, {len(report.trials.persons) or 'unknown'} persons, "
        f"card {report.card}, mean of {report.frames}; bounds of 95 %"
    )
    for outcome in report.outcomes:
        gate = "" if outcome.gate else ", pictures that the gate refuses included"
        for at, persons in outcome.persons.items():
            yield ""
            yield f"{_NAMES[outcome.score]}{gate}, up to {persons.threshold:.4g} ({_AT[at]})"
            yield (
                f"{'group':22}{'persons hit':>13}{'strangers':>11}{'pass':>8}{'FMR':>10}{'by pair':>20}"
                f"{'by person':>20}{'one person':>12}{'refused':>9}{'FNMR':>8}"
            )
            for name, group in report.groups(outcome):
                yield _at_threshold(name, *outcome.rates(at, group))
        yield ""
        yield f"{_NAMES[outcome.score]}{gate}: thresholds from each group's own pictures"
        targets = "".join(f"{f'TAR@{target:.0e}':>12}" for target in figures.TARGETS)
        yield f"{'group':22}{'EER':>8}{targets}{'threshold at 1e-3':>20}"
        for name, group in report.groups(outcome):
            yield _over_thresholds(name, outcome, group)
    yield ""
    yield from _not_acquired(report)
    if report.trials.repetitions:
        yield f"rows that repeat another, left out: {report.trials.repetitions}"
    if report.trials.unused:
        yield f"rows that found no others to make up a mean of {report.frames}, left out: {report.trials.unused}"
    if report.trials.left_out:
        yield f"comparisons of a picture with itself, left out: {report.trials.left_out}"


def _at_threshold(name: str, false_match: figures.Rate, false_refusal: figures.Rate) -> str:
    persons = f"{false_match.persons_hit} of {false_match.persons}" if false_match.persons else "-"
    fmr = f"{false_match.value:.2e}" if false_match.trials else "-"
    fnmr = f"{false_refusal.value:.2%}" if false_refusal.trials else "-"
    return (
        f"{name[:21]:22}{persons:>13}{false_match.trials:>11}{false_match.events:>8}{fmr:>10}"
        f"{_range(false_match.by_pair if false_match.trials else None):>20}{_range(false_match.by_person):>20}"
        f"{false_refusal.trials:>12}{false_refusal.events:>9}{fnmr:>8}"
    )


def _range(bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return "-"
    low = "0" if bounds[0] < 1e-7 else f"{bounds[0]:.1e}"
    return f"{low}..{bounds[1]:.1e}"


def _over_thresholds(name: str, outcome: Outcome, group: int | None) -> str:
    curve = outcome.distances.curve(group)
    eer, threshold = curve.eer(), curve.threshold_at(1e-3)
    tars = [curve.tar(target) for target in figures.TARGETS]
    return (
        f"{name[:21]:22}{'too few' if eer is None else f'{eer:.2%}':>8}"
        + "".join(f"{'too few' if tar is None else f'{tar:.3f}':>12}" for tar in tars)
        + f"{'too few' if threshold is None else f'{threshold:.4g}':>20}"
    )


def _not_acquired(report: Report) -> Iterator[str]:
    for name, roles in report.failures.items():
        for role, words in roles.items():
            if words or name == EVERYBODY:
                told = ", ".join(f"{word} {count}" for word, count in words.items())
                yield f"not acquired, {name}, as {role}: {sum(words.values())}{f' ({told})' if told else ''}"
