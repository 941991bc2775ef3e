"""The pages' plots, as SVG that uses the colours of the page's light or dark theme."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from ...artifacts.statistics import Histogram, SplitStatistics
from ...artifacts.training import Training
from ..facts.gate_checks import FEW_PHOTOS
from .data_tables import Measure

if TYPE_CHECKING:
    from ...artifacts.evaluation import Evaluation

# Matplotlib does not support CSS: a placeholder for each colour is drawn, and replaced in the SVG.
_INK, _MUTED, _RULE = "#010101", "#020202", "#030303"
_CANDIDATE, _BASELINE, _SHADE = "#040404", "#050505", "#060606"
_CSS_NAMES = {
    _INK: "ink",
    _MUTED: "muted",
    _RULE: "rule",
    _CANDIDATE: "candidate",
    _BASELINE: "baseline",
    _SHADE: "shade",
}
_WIDTH = 7.8  # inches
_TEXT = 9  # points; on the page about 11 CSS pixels
_ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "ncols": 3}


def error_by_age_group(
    evaluation: "Evaluation", names: tuple[str, str], max_mae: float | None
) -> Markup:
    """Draw the MAE of both models in each age group, with the number of photos.

    Args:
        evaluation: the measurements of the gate.
        names: of the candidate and of the baseline, for the legend.
        max_mae: years; drawn as a line unless it is None.
    """
    from matplotlib.patches import Patch

    groups = list(evaluation.candidate.by_age_group)
    figure, ((axes,),) = _figure(1, 1, height=2.8)
    models = [(evaluation.candidate, names[0], _CANDIDATE)]
    if evaluation.baseline is not None:
        models.append((evaluation.baseline, names[1], _BASELINE))
    width = 0.76 / len(models)
    legend: list[Any] = []
    for place, (model, name, color) in enumerate(models):
        shift = (place - (len(models) - 1) / 2) * width
        legend.append(Patch(color=color, label=name))
        for at, group in enumerate(groups):
            if (metrics := model.by_age_group.get(group)) is not None:
                few = metrics.photos < FEW_PHOTOS
                axes.bar(
                    at + shift,
                    metrics.mae,
                    width * 0.92,
                    facecolor="none" if few else color,
                    edgecolor=color,
                    hatch="////" if few else None,
                )
    if max_mae is not None:
        line = {"color": _INK, "linewidth": 1, "linestyle": (0, (4, 3)), "zorder": 3}
        label = f"limit for all photos together: {max_mae:g}"
        legend.append(axes.axhline(max_mae, label=label, **line))
    photos = [evaluation.candidate.by_age_group[group].photos for group in groups]
    ticks = [f"{group}\n{number:,} photos" for group, number in zip(groups, photos, strict=True)]
    axes.set_xticks(range(len(groups)), ticks)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=6)
    axes.set_ylabel("MAE, years")
    axes.legend(handles=legend, **_ABOVE)
    return _svg(figure, "groups", "Mean absolute error by age group")


def spreads(
    statistics: Mapping[str, SplitStatistics], measures: Sequence[Measure], alt: str
) -> Markup:
    """Draw the distribution of features: a row for each feature, a column for each split.

    The height is the share of a split's photos per unit of the feature, so that splits of
    different sizes, and bins of different widths, can be compared along a row.

    Args:
        statistics: by split.
        measures: the features.
        alt: describes the plot to people who cannot see it.
    """
    figure, grid = _figure(len(measures), len(statistics), height=1.5 * len(measures) + 0.3)
    for measure, row in zip(measures, grid, strict=True):
        low, high, top = math.inf, -math.inf, 0.0
        for axes, split in zip(row, statistics.values(), strict=True):
            found = split.spreads.get(measure.feature)
            if found is not None and found.histogram.counts:
                shares, edges = _density(found.histogram, measure.per)
                axes.stairs(shares, edges, fill=True, color=_CANDIDATE)
                low, high, top = min(low, edges[0]), max(high, edges[-1]), max(top, *shares)
        for axes in row:
            axes.set_xlabel(f"{measure.name[0].lower()}{measure.name[1:]}")
            axes.set_yticks([])
            axes.set(xlim=(low, high), ylim=(0, top * 1.05))
            poor = measure.poor_below
            if poor is not None and low < poor:
                axes.axvspan(low, min(high, poor), color=_SHADE, linewidth=0, zorder=0)
    for axes, (name, split) in zip(grid[0], statistics.items(), strict=True):
        axes.set_title(f"{name}, {split.photos:,} photos", color=_INK, size=_TEXT, loc="left")
    return _svg(figure, "spreads", alt)


def shares_by_age_group(counts: Mapping[str, Sequence[int]], splits: Sequence[str]) -> Markup:
    """Draw the share of each split's photos in each age group, with the splits side by side.

    Args:
        counts: age group to the photos of each split.
        splits: in the order of the counts.
    """
    from matplotlib.patches import Patch

    figure, ((axes,),) = _figure(1, 1, height=2.4)
    colors = dict(zip(splits, (_CANDIDATE, _BASELINE, _MUTED), strict=False))
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    width = 0.8 / len(splits)
    for place, split in enumerate(splits):
        shares = [100 * row[place] / (totals[place] or 1) for row in counts.values()]
        shift = (place - (len(splits) - 1) / 2) * width
        at = [group + shift for group in range(len(counts))]
        axes.bar(at, shares, width * 0.92, color=colors[split])
    axes.set_xticks(range(len(counts)), list(counts))
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("% of a split's photos")
    axes.legend(handles=[Patch(color=colors[split], label=split) for split in splits], **_ABOVE)
    return _svg(figure, "ages", "Share of the photos of each split by age group")


def refusals(photos: Mapping[str, int]) -> Markup:
    """Draw the number of photos that were refused for each reason, the most frequent first.

    Args:
        photos: by reason; not empty.
    """
    reasons = sorted(photos, key=lambda reason: (photos[reason], reason))
    figure, ((axes,),) = _figure(1, 1, height=0.35 * len(reasons) + 0.3)
    bars = axes.barh(reasons, [photos[reason] for reason in reasons], 0.7, color=_CANDIDATE)
    axes.bar_label(bars, [f"{photos[reason]:,}" for reason in reasons], padding=4, color=_INK)
    axes.tick_params(axis="y", labelcolor=_INK)
    axes.set_xlim(0, 1.08 * max(photos.values()))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    return _svg(figure, "refused", "Refused photos by reason")


def learning_curves(training: Training) -> Markup:
    """Draw the MAE on train and valid by epoch, and mark the phases and the kept epoch."""
    history = training.history
    figure, ((axes,),) = _figure(1, 1, height=2.7)
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) < 40 else ""
    # Dashes as well as colours, for grey prints and for people who see few colours.
    for label, errors, color, dashes in (
        ("train", [epoch.mae for epoch in history], _MUTED, (0, (4, 2))),
        ("valid", [epoch.val_mae for epoch in history], _CANDIDATE, "-"),
    ):
        line = {"color": color, "linestyle": dashes, "linewidth": 1.6}
        axes.plot(epochs, errors, label=label, marker=marker, ms=3, **line)
    if training.best is not None:
        best = history[training.best].val_mae
        ring = {"ms": 9, "mfc": "none", "mec": _INK, "clip_on": False}
        axes.plot([training.best + 1], [best], "o", label="kept", **ring)
    _mark_phases(axes, [epoch.phase for epoch in history])
    axes.set_xlim(0.6, len(history) + 0.4)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # one epoch, one tick
    axes.set_xlabel("epoch")
    axes.set_ylabel("MAE, years")
    axes.legend(**{**_ABOVE, "bbox_to_anchor": (0, 1.1)})
    return _svg(figure, "curves", "Mean absolute error by epoch")


def _mark_phases(axes: Any, phases: Sequence[str]) -> None:
    """Write each phase's name above its first epoch, with a line where the next begins."""
    names = {"head": "head only", "whole": "whole network"}
    for place, phase in enumerate(phases):
        if place and phase == phases[place - 1]:
            continue
        if place:
            axes.axvline(place + 0.5, color=_MUTED, linewidth=0.8)
        axes.annotate(
            names.get(phase, phase),
            (place + (0.5 if place else 0.6), 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            color=_MUTED,
        )


def _density(histogram: Histogram, per: float) -> tuple[list[float], list[float]]:
    """Return the share of the photos per page unit, and the bins' edges in that unit."""
    edges = tuple(edge / per for edge in histogram.edges)
    counts = histogram.counts
    if edges[0] == edges[-1]:  # only one value: a bin of width 1 around it, and space next to it
        edges = tuple(edges[0] + step for step in (-1.5, -0.5, 0.5, 1.5))
        counts = (0, sum(counts), 0)
    total = sum(counts)
    shares = [
        one / total / (high - low)
        for one, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    return shares, list(edges)


def _figure(rows: int, columns: int, height: float) -> tuple[Any, Any]:
    # Imported here because it takes a second; without pyplot, which never frees figures.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_MUTED)
        axes.tick_params(colors=_MUTED, labelsize=_TEXT, left=False)
        axes.grid(axis="y", color=_RULE, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, grid


def _svg(figure: Any, name: str, alt: str) -> Markup:
    """Turn a figure into an SVG element that can be part of the page."""
    import matplotlib as mpl

    for axes in figure.axes:
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(color=_MUTED, size=_TEXT)
        for text in axes.texts:
            text.set_size(_TEXT)
        if (legend := axes.get_legend()) is not None:
            legend.set_frame_on(False)
            for text in legend.get_texts():
                text.set(color=_INK, size=_TEXT)
    # The layout can change the ticks and make their labels longer: a first draw makes space.
    figure.draw_without_rendering()
    written = io.StringIO()
    # Text stays text, in the page's font; the salt makes the ids of two plots different.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(
            written,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' id="[\w.]+_\d{1,4}"', "", svg)  # matplotlib's numbering of its own parts
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
    for stand_in, css in _CSS_NAMES.items():
        svg = svg.replace(stand_in, f"var(--{css})")
    return Markup(svg)  # matplotlib escapes the texts that it draws
