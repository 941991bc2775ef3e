"""Numbers and findings in words, as the page prints them."""

import math
from collections import Counter
from collections.abc import Mapping

from customer_age.schema import features

from ...artifacts.statistics import Count, SplitStatistics
from ..facts.facts import RunFacts, Verdict
from ..facts.gate_checks import baseline_name

NOT_SQUARE_BELOW = 0.99
"""Shorter side over longer side."""

DARK_BELOW = 50.0
"""Mean luma, of 255: about a fifth of full brightness."""

BLURRED_BELOW = 100.0
"""Variance of the Laplacian: the customary first guess of Pech-Pacheco et al., 'Diatom
autofocusing in brightfield microscopy' (2000), as it is used on photos of people."""

CANARY_CHECKS = {
    "questions_unanswered": ("Questions without an answer", "questions", 0),
    "ages_out_of_range": ("Ages not within 0 to 120", "ages", 0),
    "unusable_without_reason": ("Files that cannot be used, without a reason", "files", 0),
    "years_apart_twice": ("The same batch, sent twice", "years apart", 4),
    "years_apart_alone": ("A photo alone and in a batch", "years apart", 4),
    "years_apart_signatures": ("The two signatures", "years apart", 4),
    "years_apart_kinds": ("One photo in files of every kind", "years apart", 4),
    "seconds_per_photo": ("One photo, median", "seconds", 3),
    "seconds_per_photo_p95": ("One photo, 95th percentile", "seconds", 3),
    "seconds_per_batch": ("64 photos at once, median", "seconds", 3),
    "seconds_per_batch_p95": ("64 photos at once, 95th percentile", "seconds", 3),
    "memory_mb": ("Memory at its peak", "MB", 0),
}
"""What the Canary measured, by its own names: a name, a unit and the decimals to print."""

TITLES = {
    Verdict.PUBLISHED: "Published",
    Verdict.MODEL_REFUSED: "Refused by the gate",
    Verdict.DATA_REFUSED: "Data refused",
    Verdict.SETTINGS_REFUSED: "Settings refused",
    Verdict.INTERRUPTED: "Interrupted",
    Verdict.FAILED: "Failed",
}


def years(value: float, decimals: int = 2) -> str:
    """Format an age or an error in years: `6.42`."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else "not a number"


def signed(value: float) -> str:
    """Format a difference in years with its sign, a true minus: it is as wide as the plus."""
    if not math.isfinite(value):
        return "not a number"
    text = f"{abs(value):.2f}"
    if float(text) == 0:
        return text
    return f"{'+' if value > 0 else chr(0x2212)}{text}"


def count(value: float) -> str:
    """Format a number of photos: `7,591`."""
    return f"{value:,.0f}"


def decimals_apart(measured: float, limit: float) -> int:
    """Tell how many decimals, two to six, it takes to print two values that differ apart."""
    for decimals in range(2, 6):
        if measured == limit or years(measured, decimals) != years(limit, decimals):
            return decimals
    return 6


def duration(seconds: float) -> str:
    """Format a time span: `4.2 s`, `3 min 07 s`, `1 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def sentence(text: str) -> str:
    """Give a text a capital, unless it starts with a name, and a full stop."""
    text = text.strip()
    if text.split(" ", maxsplit=1)[0].isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def title(facts: RunFacts) -> str:
    """Say how the run ended, in three words or so."""
    if facts.verdict is Verdict.PUBLISHED and facts.publication and facts.publication.version:
        return f"Published as version {facts.publication.version}"
    if facts.verdict is Verdict.MODEL_REFUSED and _passed_the_gate(facts) and _not_fit(facts):
        return "Refused by the canary"
    return TITLES[facts.verdict]


def why(facts: RunFacts) -> tuple[str, ...]:
    """Say why the run ended as it did: always one sentence at least."""
    if facts.verdict is Verdict.PUBLISHED:
        return (_why_published(facts),)
    if facts.verdict is Verdict.MODEL_REFUSED and (refusals := _refusals(facts)):
        return tuple(sentence(refusal) for refusal in refusals)
    if facts.errors:
        return tuple(sentence(error) for error in facts.errors)
    if facts.verdict is Verdict.MODEL_REFUSED:
        return ("The gate did not bless the model.",)
    if _passed_the_gate(facts):
        return ("The gate passed the model, but the registry did not take it. The log says more.",)
    return ("The run stopped early and left no reason. The log says more.",)


def _refusals(facts: RunFacts) -> list[str]:
    by_gate = facts.evaluation.refusals if facts.evaluation else ()
    by_canary = facts.canary.refusals if facts.canary else ()
    return [*by_gate, *(f"Not fit to serve: {refusal}" for refusal in by_canary)]


def _passed_the_gate(facts: RunFacts) -> bool:
    return facts.evaluation is not None and facts.evaluation.passed


def _not_fit(facts: RunFacts) -> bool:
    return facts.canary is not None and not facts.canary.passed


def _why_published(facts: RunFacts) -> str:
    evaluation, limits = facts.evaluation, facts.run.limits
    if evaluation is None:
        return "The gate passed the model, and the registry took it."
    mine = evaluation.candidate.overall
    text = f"The test MAE is {years(mine.mae)} years on {count(mine.photos)} photos"
    if limits is not None:
        decimals = decimals_apart(mine.mae, limits.max_mae)
        text = (
            f"The test MAE is {years(mine.mae, decimals)} years on {count(mine.photos)} photos, "
            f"within the limit of {years(limits.max_mae, decimals)}"
        )
    if evaluation.baseline is None:
        return f"{text}."
    theirs = evaluation.baseline.overall.mae
    name = baseline_name(facts.baseline)
    if mine.mae < theirs:
        return f"{text}, and {years(theirs - mine.mae)} better than the {name}."
    return f"{text}; it is {years(mine.mae - theirs)} worse than the {name}, within the tolerance."


def about_the_photos(statistics: Mapping[str, SplitStatistics]) -> tuple[str, ...]:
    """Say what the photos were like before ingestion: format, mode, shape, light, sharpness."""
    total = sum(split.photos for split in statistics.values())
    found = []
    if formats := _values(statistics, features.IMAGE_FORMAT):
        found.append(_of_one_kind(formats, total, "came as"))
    if modes := _values(statistics, features.IMAGE_MODE):
        found.append(_of_one_kind(modes, total, "are"))
    for feature, limit, none, some in (
        (
            features.IMAGE_SQUARENESS,
            NOT_SQUARE_BELOW,
            "All are square",
            "{} not square: the shorter side is under 99% of the longer",
        ),
        (
            features.IMAGE_BRIGHTNESS,
            DARK_BELOW,
            "None is dark: no mean brightness is under 50 of 255",
            "{} dark: the mean brightness is under 50 of 255",
        ),
        (
            features.IMAGE_SHARPNESS,
            BLURRED_BELOW,
            "None looks blurred: no sharpness is under 100",
            "{} blurred, or plain: the sharpness is under 100",
        ),
    ):
        below = _below(statistics, feature, limit)
        if below is not None:
            found.append(f"{some.format(_are(below, total))}." if below.photos else f"{none}.")
    return tuple(found)


def _values(statistics: Mapping[str, SplitStatistics], feature: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    for split in statistics.values():
        totals.update(split.words.get(feature, {}))
    return totals


def _of_one_kind(values: Counter[str], total: int, verb: str) -> str:
    (first, photos), *others = values.most_common()
    if not others:
        return f"All {count(total)} photos {verb} {first}."
    rest = ", ".join(f"{name} ({count(number)})" for name, number in others)
    return f"{count(photos)} of {count(total)} photos {verb} {first}; the others {verb} {rest}."


def _below(statistics: Mapping[str, SplitStatistics], feature: str, limit: float) -> Count | None:
    counts = [
        split.spreads[feature].below(limit)
        for split in statistics.values()
        if feature in split.spreads
    ]
    if not counts:
        return None
    return Count(sum(one.photos for one in counts), all(one.exact for one in counts))


def _are(number: Count, total: int) -> str:
    if number.exact and number.photos == total:
        return f"All {count(total)} photos are"
    verb = "is" if number.photos == 1 else "are"
    if number.exact:
        return f"{count(number.photos)} of {count(total)} {verb}"
    # Two digits: an estimate shows no more than it knows.
    return f"About {count(float(f'{number.photos:.2g}'))} of {count(total)} {verb}"
