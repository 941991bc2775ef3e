"""The formats of the pages' numbers, and the pages' sentences."""

import math
from collections import Counter
from collections.abc import Mapping

from customer_age.schema import features

from ...artifacts.statistics import Count, SplitStatistics
from ..facts.facts import RunFacts, Verdict
from ..facts.gate_checks import baseline_name

NOT_SQUARE_BELOW = 0.99
"""Shorter side divided by longer side."""

DARK_BELOW = 50.0
"""Mean luma, of 255: about a fifth of full brightness."""

BLURRED_BELOW = 100.0
"""Variance of the Laplacian (Pech-Pacheco et al., 'Diatom autofocusing in brightfield microscopy',
2000); 100 is the usual first threshold for photos of people."""

CANARY_CHECKS = {
    "questions_unanswered": ("Requests without an answer", "requests", 0),
    "ages_out_of_range": ("Ages outside 0 to 120", "ages", 0),
    "unusable_without_reason": ("Unusable files without a reason", "files", 0),
    "years_apart_twice": ("The same batch sent twice", "years apart", 4),
    "years_apart_alone": ("A photo alone and in a batch", "years apart", 4),
    "years_apart_signatures": ("A photo through each signature", "years apart", 4),
    "years_apart_kinds": ("Each file format, as served and as evaluated", "years apart", 4),
    "seconds_per_photo": ("Time for one photo, median", "seconds", 3),
    "seconds_per_photo_p95": ("Time for one photo, 95th percentile", "seconds", 3),
    "seconds_per_batch": ("Time for a batch of 64 photos, median", "seconds", 3),
    "seconds_per_batch_p95": ("Time for a batch of 64 photos, 95th percentile", "seconds", 3),
    "memory_mb": ("Peak memory", "MB", 0),
}
"""The Canary's checks by their keys: a name, a unit and the decimals to print."""

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
    """Format a difference in years with its sign; U+2212, a minus, is as wide as the plus."""
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
    """Return the decimals, two to six, that two different values need to be printed differently."""
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
    """Add a full stop, and a capital unless the first word is not only letters, such as a name."""
    text = text.strip()
    if text.split(" ", maxsplit=1)[0].isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def title(facts: RunFacts) -> str:
    """Describe how the run ended, in about three words."""
    if facts.verdict is Verdict.PUBLISHED and facts.publication and facts.publication.version:
        return f"Published as version {facts.publication.version}"
    if facts.verdict is Verdict.MODEL_REFUSED and _passed_the_gate(facts) and _not_fit(facts):
        return "Refused by the canary"
    return TITLES[facts.verdict]


def why(facts: RunFacts) -> tuple[str, ...]:
    """Explain why the run ended as it did, in at least one sentence."""
    if facts.verdict is Verdict.PUBLISHED:
        return (_why_published(facts),)
    if facts.verdict is Verdict.MODEL_REFUSED and (refusals := _refusals(facts)):
        return tuple(sentence(refusal) for refusal in refusals)
    if facts.errors:
        return tuple(sentence(error) for error in facts.errors)
    if facts.verdict is Verdict.MODEL_REFUSED:
        return ("The gate did not bless the model.",)
    if _passed_the_gate(facts):
        return ("The model passed the gate, but was not published. See the log for the reason.",)
    return ("The run stopped early, for an unknown reason. See the log.",)


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
        return "The model passed the gate and was published."
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
        return f"{text}, and {years(theirs - mine.mae)} years better than the {name}."
    worse = years(mine.mae - theirs)
    return f"{text}. It is {worse} years worse than the {name}, within the tolerance."


def about_the_photos(statistics: Mapping[str, SplitStatistics]) -> tuple[str, ...]:
    """Describe the photos: format, colour mode, shape, brightness and sharpness."""
    total = sum(split.photos for split in statistics.values())
    found = []
    if formats := _values(statistics, features.IMAGE_FORMAT):
        found.append(_of_one_kind(formats, total, "have the format"))
    if modes := _values(statistics, features.IMAGE_MODE):
        found.append(_of_one_kind(modes, total, "have the colour mode"))
    for feature, limit, none, some in (
        (
            features.IMAGE_SQUARENESS,
            NOT_SQUARE_BELOW,
            "All are square",
            "{} not square: the shorter side is less than 99% of the longer side",
        ),
        (
            features.IMAGE_BRIGHTNESS,
            DARK_BELOW,
            "None is dark: the mean brightness is never below 50 of 255",
            "{} dark: the mean brightness is below 50 of 255",
        ),
        (
            features.IMAGE_SHARPNESS,
            BLURRED_BELOW,
            "None is blurred: the sharpness is never below 100",
            "{} blurred or low in detail: the sharpness is below 100",
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
    return f"{count(photos)} of {count(total)} photos {verb} {first}; the others have {rest}."


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
    # Two digits: an estimate must not look more exact than it is.
    return f"About {count(float(f'{number.photos:.2g}'))} of {count(total)} {verb}"
