"""The page's plots, as SVG that takes its colours from the page, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from customer_age.components.run_report.artifact_files import Training
from customer_age.components.run_report.gate import FEW_PHOTOS
from customer_age.components.run_report.photo_statistics import SplitStatistics

if TYPE_CHECKING:
    from customer_age.components.evaluation import Evaluation

# Matplotlib knows no CSS: each colour of the page is drawn as a stand-in, replaced in the SVG.
_INK, _MUTED, _RULE = "#010101", "#020202", "#030303"
_CANDIDATE, _BASELINE, _SHADE = "#040404", "#050505", "#060606"
_TRAIN, _VALID, _TEST = "#070707", "#080808", "#090909"
_CSS_NAMES = {
    _INK: "ink",
    _MUTED: "muted",
    _RULE: "rule",
    _CANDIDATE: "candidate",
    _BASELINE: "baseline",
    _SHADE: "shade",
    _TRAIN: "train",
    _VALID: "valid",
    _TEST: "test",
}
# Each split has a dash of its own too, for those who print in grey or see few colours.
_LOOKS: Mapping[str, dict[str, Any]] = {
    "train": {"color": _TRAIN, "linestyle": "-"},
    "valid": {"color": _VALID, "linestyle": (0, (5, 2))},
    "test": {"color": _TEST, "linestyle": (0, (1.5, 1.5))},
}
_WIDTH = 8.6  # inches; with 72 points to an inch, about the page's text width in CSS pixels


def error_by_age_group(
    evaluation: "Evaluation", names: tuple[str, str], max_mae: float | None
) -> Markup:
    """Draw the MAE of both models in each age group, with its number of photos.

    Args:
        evaluation: what the gate measured.
        names: of the candidate and of the baseline, for the legend.
        max_mae: years; drawn as a line where given.
    """
    groups = evaluation.candidate.by_age_group
    figure, (axes,) = _figure(1, height=3.0)
    models = [(evaluation.candidate, _CANDIDATE, names[0])]
    if evaluation.baseline is not None:
        models.append((evaluation.baseline, _BASELINE, names[1]))
    width = 0.76 / len(models)
    for place, (model, color, name) in enumerate(models):
        shift = (place - (len(models) - 1) / 2) * width
        for at, group in enumerate(groups):
            metrics = model.by_age_group.get(group)
            if metrics is not None:
                few = metrics.photos < FEW_PHOTOS
                # Few photos: an outline instead of a full bar.
                axes.bar(
                    at + shift,
                    metrics.mae,
                    width * 0.92,
                    facecolor="none" if few else color,
                    edgecolor=color,
                    linewidth=1,
                    hatch="////" if few else None,
                )
        axes.bar([0], [0], color=color, label=name)
    if max_mae is not None:
        axes.axhline(max_mae, color=_INK, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        axes.annotate(
            f"limit {max_mae:g} (all photos)",
            (1, max_mae),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            color=_INK,
        )
    photos = [f"{group}\n{metrics.photos:,} photos" for group, metrics in groups.items()]
    axes.set_xticks(range(len(groups)), photos)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("MAE, years")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return _svg(figure, "groups", "Mean absolute error by age group")


def spread(
    statistics: Mapping[str, SplitStatistics],
    panels: Sequence[tuple[str, str, float | None]],
    alt: str,
) -> Markup:
    """Draw how features are spread over the photos, the splits over each other.

    The height is the share of a split's photos per unit, so that splits of different sizes can
    be compared.

    Args:
        statistics: by split.
        panels: feature, label of its axis, and the value below which the ground is shaded.
        alt: what the picture shows, for those who cannot see it.
    """
    figure, all_axes = _figure(len(panels), height=2.2)
    for axes, (feature, label, limit) in zip(all_axes, panels, strict=True):
        for split, found in statistics.items():
            histogram = found.spreads[feature].histogram if feature in found.spreads else None
            if histogram is not None and sum(histogram.counts) > 0:
                axes.stairs(*_density(histogram), label=split, linewidth=1.6, **_LOOKS[split])
        if limit is not None and axes.get_xlim()[0] < limit:
            axes.axvspan(axes.get_xlim()[0], limit, color=_SHADE, linewidth=0, zorder=0)
        axes.set_xmargin(0)
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_xlabel(label)
    all_axes[0].set_ylabel("share of photos")
    all_axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
    return _svg(figure, panels[0][0], alt)


def learning_curves(training: Training) -> Markup:
    """Draw the MAE on train and valid by epoch, the phases parted, the kept epoch marked."""
    history = training.history
    figure, (axes,) = _figure(1, height=2.8)
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) < 40 else ""
    for split, errors in (
        ("train", [epoch.mae for epoch in history]),
        ("valid", [epoch.val_mae for epoch in history]),
    ):
        axes.plot(epochs, errors, label=split, linewidth=1.6, marker=marker, ms=3, **_LOOKS[split])
    phases = [epoch.phase for epoch in history]
    starts = [i for i, phase in enumerate(phases) if i == 0 or phase != phases[i - 1]]
    for start in starts:
        if start:
            axes.axvline(start + 0.5, color=_MUTED, linewidth=0.8)
        axes.annotate(
            {"head": "head only", "whole": "whole network"}.get(phases[start], phases[start]),
            (start + 0.5 if start else 0.6, 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -10),
            textcoords="offset points",
            color=_MUTED,
        )
    if training.best is not None:
        best = history[training.best].val_mae
        axes.plot([training.best + 1], [best], "o", ms=9, mfc="none", mec=_INK, label="kept")
    axes.set_xlim(0.6, len(history) + 0.4)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel("MAE, years")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
    return _svg(figure, "curves", "Mean absolute error by epoch")


def _density(histogram: Any) -> tuple[list[float], list[float]]:
    """Share of the photos per unit of the feature, and the bins' edges."""
    edges, counts = histogram.edges, histogram.counts
    if edges[0] == edges[-1]:  # one value only: a bin of width 1 around it
        edges = (edges[0] - 0.5, edges[0] + 0.5)
        counts = (sum(counts),)
    total = sum(counts)
    shares = [
        one / total / (high - low)
        for one, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    return shares, list(edges)


def _figure(panels: int, height: float) -> tuple[Any, Any]:
    # Imported here because it takes a second; no pyplot, which keeps figures for ever.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    all_axes = [figure.add_subplot(1, panels, place + 1) for place in range(panels)]
    for axes in all_axes:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_MUTED)
        axes.tick_params(colors=_MUTED, labelcolor=_MUTED, labelsize=9, left=False)
        axes.grid(axis="y", color=_RULE, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, all_axes


def _svg(figure: Any, name: str, alt: str) -> Markup:
    """Turn a figure into an SVG element that stands in the page by itself."""
    import matplotlib as mpl  # noqa: PLC0415

    for axes in figure.axes:
        axes.xaxis.label.set(color=_MUTED, size=9)
        axes.yaxis.label.set(color=_MUTED, size=9)
        for text in axes.texts:
            text.set_size(9)
        if axes.get_legend() is not None:
            axes.get_legend().set_frame_on(False)
            for text in axes.get_legend().get_texts():
                text.set(color=_INK, size=9)
    written = io.StringIO()
    # Text stays text, in the page's own font; the salt keeps the ids of two plots apart.
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
    return Markup(svg)  # noqa: S704  matplotlib escapes the texts that it draws
