"""From counts to plots as inline SVG: drawn here, coloured by the classes `k1` to `k7` of the page's style.

The colours stand for the causes of most jobs, the last one for all others together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from bkdoctor.fleet import Period
from bkdoctor.render._markup import element, text

_COLOURS = 6
OTHER = _COLOURS + 1
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 960.0, 260.0, 44.0, 30.0, 10.0
_LABEL = 80.0
"""Pixels that a label below the axis needs."""


def colours(causes: Sequence[str]) -> dict[str, int]:
    """Return the number of a colour for each of the first causes; those that have none are shown together."""
    return {cause: number for number, cause in enumerate(dict.fromkeys(causes), 1) if number <= _COLOURS}


def swatch(colour: int) -> str:
    """Return a small square of a colour, for a legend."""
    inside = element("rect", "", class_=f"k{colour}", width="10", height="10")
    return element("svg", inside, class_="swatch", viewBox="0 0 10 10", aria_hidden="true")


def bar(causes: Mapping[str, int], most: int, known: Mapping[str, int]) -> str:
    """Return a bar as long as all jobs of these causes, `most` being the whole width."""
    parts, at = [], 0.0
    for colour, jobs in _parts(causes, known):
        width = 100 * jobs / most
        parts.append(element("rect", "", class_=f"k{colour}", x=_number(at), width=_number(width), height="10"))
        at += width
    return element(
        "svg", "".join(parts), class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true"
    )


def columns(periods: Sequence[Period], known: Mapping[str, int], label: str) -> str:
    """Return a column for each stretch of time, as high as jobs failed in it; `label` says what is shown."""
    most = max((period.jobs for period in periods), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    scale = (_HEIGHT - _BOTTOM - _TOP) / top
    wide = (_WIDTH - _LEFT) / max(len(periods), 1)
    parts = [_grid(value, _HEIGHT - _BOTTOM - value * scale) for value in range(0, top + 1, step)]
    every = int(-(-_LABEL // wide))
    for number, period in enumerate(periods):
        left = _LEFT + number * wide
        parts.append(_column(period, left + wide * 0.1, wide * 0.8, scale, known))
        if number % every == 0:
            place = {"x": _number(left + wide / 2), "y": _number(_HEIGHT - 10), "text_anchor": "middle"}
            parts.append(element("text", text(_short(period.start, hours=_hourly(periods))), **place))
    size = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return element("svg", "".join(parts), class_="plot", viewBox=size, role="img", aria_label=label)


def _column(period: Period, left: float, width: float, scale: float, known: Mapping[str, int]) -> str:
    parts, foot = [], _HEIGHT - _BOTTOM
    for colour, jobs in _parts(period.causes, known):
        height = jobs * scale
        foot -= height
        place = {"x": _number(left), "y": _number(foot), "width": _number(width), "height": _number(height)}
        parts.append(element("rect", "", class_=f"k{colour}", **place))
    causes = ", ".join(f"{cause} {jobs}" for cause, jobs in list(period.causes.items())[:_COLOURS])
    about = element("title", text(f"{period.start[:16].replace('T', ' ')}: {period.jobs} failed. {causes}"))
    return element("g", about + "".join(parts))


def _grid(value: int, y: float) -> str:
    line = element("line", "", x1=_number(_LEFT), x2=_number(_WIDTH), y1=_number(y), y2=_number(y))
    return line + element("text", str(value), x=_number(_LEFT - 8), y=_number(y + 4), text_anchor="end")


def _parts(causes: Mapping[str, int], known: Mapping[str, int]) -> list[tuple[int, int]]:
    found: Counter[int] = Counter()
    for cause, jobs in causes.items():
        found[known.get(cause, OTHER)] += jobs
    return sorted(found.items())


def _step(most: int) -> int:
    """Return a round number of which at most five make the highest column."""
    step = 1
    while most > 5 * step:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def _hourly(periods: Sequence[Period]) -> bool:
    return len({period.start[:10] for period in periods}) < len(periods)


def _short(time: str, *, hours: bool) -> str:
    return f"{time[8:10]}. {time[11:16]}" if hours else time[5:10]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
