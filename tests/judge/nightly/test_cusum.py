"""Series: what moved is shown soon, what did not is not, and one night alone proves nothing."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from harness.judge.nightly.cusum import Cusum, limit, watch
from harness.judge.nightly.drift import MONTH, drifted
from harness.judge.nightly.observation import Observation
from harness.judge.nightly.regime import NIGHT

ERROR = 0.005
MOST = limit(2 * 24 * 365)


def night(number: int) -> str:
    """The ISO date of a night."""
    return (date(2024, 1, 1) + timedelta(days=number)).isoformat()


def nightly(values: Iterable[float], error: float = ERROR) -> list[Observation]:
    """One observation a night."""
    return [
        Observation(night=night(number), value=float(value), error=error)
        for number, value in enumerate(values)
    ]


def noise(seed: int, nights: int) -> npt.NDArray[np.float64]:
    """Accuracy around 0.9 with heavy tails."""
    draw = np.random.default_rng(seed)
    return 0.9 + draw.standard_t(5, nights) * math.sqrt(3 / 5) * ERROR


def alarms(observations: Sequence[Observation], most: float = MOST) -> int:
    """Steps shown."""
    return len(watch(observations, most=most).steps)


def test_the_limit_is_that_of_a_false_alarm() -> None:
    """Twice as many observations, or half as many false alarms, take one bit more of evidence."""
    assert limit(500) == pytest.approx(math.log(1000))
    assert limit(1000) - limit(500) == pytest.approx(math.log(2))
    assert limit(500, 0.5) == limit(1000)


def test_a_clean_series_raises_no_alarm() -> None:
    """Nor in two thousand nights; with a limit set absurdly low it raises many."""
    clean = nightly(noise(1, 2000))
    watched = watch(clean, most=MOST)
    assert watched.steps == ()
    assert [(span.start, span.stop) for span in watched.spans] == [(0, 2000)]
    assert alarms(clean, limit(10)) > 10


@pytest.mark.parametrize("size", [0.02, -0.02])
def test_a_step_is_found_and_located(size: float) -> None:
    """Four standard errors, within four nights, even when measured but once a night."""
    values = noise(2, 120)
    values[80:] += size
    watched = watch(nightly(values), most=MOST)
    (step,) = watched.steps
    assert (step.at, step.detection < 84) == (80, True)
    assert step.before == pytest.approx(0.9, abs=0.002)
    assert step.after == pytest.approx(0.9 + size, abs=0.006)
    assert [(span.start, span.stop) for span in watched.spans] == [(0, 80), (80, 120)]
    assert watched.spans[1].mean == pytest.approx(0.9 + size, abs=0.003)
    assert watched.spans[1].spread == pytest.approx(ERROR, rel=0.4)


def test_a_step_begins_with_a_night() -> None:
    """Nothing changes between two measurements of one night, even if luck looks like it."""
    values = np.repeat([0.9, 0.92], [120, 12])
    values[120:122] = 0.9, 0.905
    seen = [replace(one, night=night(index // 3)) for index, one in enumerate(nightly(values))]
    (step,) = watch(seen, most=MOST).steps
    assert step.at in {120, 123}


def test_a_step_is_told_once() -> None:
    """What lucky nights made of its size raises no second alarm when luck returns to normal."""
    steps = 0
    for seed in range(40):
        values = noise(seed, 160)
        values[60:] += 0.0075
        steps += alarms(nightly(values))
    assert 35 <= steps <= 41


def test_a_step_is_found_online() -> None:
    """It comes with the observation that shows it; its suspicion is gone by then."""
    watching = Cusum(MOST)
    shifts = [watching.add(one) for one in nightly([0.9] * 40 + [0.92] * 9)]
    step = next(filter(None, shifts))
    assert shifts.index(step) == step.detection
    assert watching.watched.steps == (step,)
    assert watching.suspicion == 0


def test_repetitions_are_no_evidence() -> None:
    """A value that a machine repeats to the bit is one value; as often measured anew, a step."""
    anew = nightly([0.9] * 40 + [0.93] * 40)
    repeated = [*anew[:41], *(replace(one, repeats=True) for one in anew[41:])]
    watched = watch(repeated, most=MOST)
    assert watched.steps == ()
    assert watched.spans[-1].stop == 80
    assert watched.suspicion == watch(anew[:41], most=MOST).suspicion > 0
    assert alarms(anew) == 1


def test_repetitions_are_not_learnt_from() -> None:
    """A mean and a spread are of different values only."""
    values = nightly(noise(3, 30))
    doubled = [copy for one in values for copy in (one, replace(one, repeats=True))]
    one, other = watch(values, most=MOST).spans[0], watch(doubled, most=MOST).spans[0]
    assert (one.mean, one.spread) == (other.mean, other.spread)


def test_one_night_is_no_step() -> None:
    """However terrible, and however often it is measured; a second night settles it."""
    terrible = Observation(night=night(60), value=0.5, error=ERROR)
    before = nightly(noise(4, 60))
    watched = watch(before + [terrible] * 50, most=MOST)
    assert watched.steps == ()
    assert NIGHT / 2 < watched.suspicion < 1
    assert alarms(before + [terrible] * 5 + [replace(terrible, night=night(61))] * 5) == 1


def test_a_night_that_disagrees_starts_anew() -> None:
    """What it takes back of another night's evidence it cannot give again on its own."""
    before = nightly([0.9] * 200)
    for middle in ([0.9] * 2, []):
        values = [0.93] * 5, middle + [0.93] * 8
        nights = [
            Observation(night=night(200 + number), value=value, error=ERROR)
            for number, tonight in enumerate(values)
            for value in tonight
        ]
        assert alarms(before + nights) == (not middle)


def test_a_broken_night_is_forgotten() -> None:
    """It leaves the mean where it was, even if it was the first."""
    for broken in (0, 40):
        values = noise(5, 100)
        values[broken] = 0.0
        watched = watch(nightly(values), most=MOST)
        assert watched.steps == ()
        assert watched.spans[0].mean == pytest.approx(0.9, abs=0.002)
        assert watched.suspicion == pytest.approx(0, abs=0.1)


def test_a_break_ends_a_regime_without_alarm() -> None:
    """A known change is none; the same change unknown is one."""
    values = noise(6, 120)
    values[80:] += 0.03
    known = watch(nightly(values), most=MOST, breaks={night(80), night(500)})
    assert known.steps == ()
    assert [(span.start, span.stop) for span in known.spans] == [(0, 80), (80, 120)]
    assert alarms(nightly(values)) == 1


def test_a_break_between_nights_holds_from_the_next_on() -> None:
    """Nobody measured that night. A break before the first night is none."""
    seen = nightly([0.9] * 10)
    watched = watch(seen[:4] + seen[6:], most=MOST, breaks=(night(-3), night(4), night(5)))
    assert [(span.start, span.stop) for span in watched.spans] == [(0, 4), (4, 8)]


def test_a_young_regime_alarms_nobody() -> None:
    """Two nights do not know their mean well enough to say that others are apart from it."""
    assert alarms(nightly([0.9] * 2 + [0.92] * 8)) == 0
    assert alarms(nightly([0.9] * 10 + [0.92] * 8)) == 1


def test_a_spread_is_learnt() -> None:
    """Nights that hide two thirds of their noise from themselves are believed less and less."""
    values = 0.9 + 3 * (noise(7, 300) - 0.9)
    watched = watch(nightly(values), most=MOST)
    assert watched.spans[-1].spread == pytest.approx(3 * ERROR, rel=0.2)
    assert all(step.detection < 40 for step in watched.steps)


def test_a_spread_that_no_night_tells_is_learnt() -> None:
    """Without standard errors, steps are still found, and none where nothing moved."""
    values = noise(8, 300)
    assert alarms(nightly(values, error=0.0)) == 0
    values[200:] += 0.02
    (step,) = watch(nightly(values, error=0.0), most=MOST).steps
    assert (step.at, step.detection < 206) == (200, True)


@pytest.mark.parametrize("floor", [0.0, 1e-9, 0.0005])
def test_a_figure_without_spread_steps_when_two_nights_agree(floor: float) -> None:
    """Such as a share of padding: one night is no step, two are, and nothing divides by zero."""
    steady = [0.235] * 30
    watched = watch(nightly([*steady, 0.24, 0.24], error=0.0), most=MOST, floor=floor)
    assert [(step.at, step.detection) for step in watched.steps] == [(30, 31)]
    assert not watch(nightly([*steady, 0.24, *steady], 0.0), most=MOST, floor=floor).steps


def test_what_is_below_the_floor_is_no_change() -> None:
    """However exact the figure."""
    values = nightly([0.235] * 30 + [0.2352] * 30, error=0.0)
    assert not watch(values, most=MOST, floor=0.0005).steps
    assert len(watch(values, most=MOST, floor=0.00001).steps) == 1


def test_what_is_not_finite_is_left_out() -> None:
    """It is neither evidence nor learnt, but it keeps its place."""
    values = noise(9, 120)
    values[80:] += 0.03
    values[[5, 50, 81]] = math.nan, math.inf, -math.inf
    watched = watch(nightly(values), most=MOST)
    assert [step.at for step in watched.steps] == [80]
    assert all(math.isfinite(span.mean) for span in watched.spans)
    assert watch(nightly([math.nan] * 3), most=MOST).spans == ()


def test_nothing_tells_nothing() -> None:
    """A series without observations has no regime and no suspicion."""
    watched = watch([], most=MOST)
    assert (watched.spans, watched.steps, watched.suspicion) == ((), (), 0.0)
    assert drifted([], mean=0.9, error=0.0, most=MOST) is None


def test_a_drift_is_found_where_no_step_is() -> None:
    """Two points a year, no night of which is a step; the same year without them is none."""
    clean = noise(10, 365)
    slow = clean - 0.02 * np.arange(365) / 365
    mean, error = float(clean[:MONTH].mean()), ERROR / math.sqrt(MONTH)
    index = drifted(nightly(slow), mean=mean, error=error, most=MOST)
    assert index is not None
    assert 60 < index < 200
    assert alarms(nightly(slow[: index + 1])) == 0
    assert drifted(nightly(clean), mean=mean, error=error, most=MOST) is None


def test_an_anchor_is_as_good_as_it_was_measured() -> None:
    """What is well within its own error is no drift; with a better anchor it is one."""
    seen = nightly(noise(11, 100))
    assert drifted(seen, mean=0.91, error=ERROR, most=MOST) is None
    assert drifted(seen, mean=0.91, error=ERROR / 5, most=MOST) is not None


def test_a_broken_night_is_no_drift() -> None:
    """However often it was measured; nor are repetitions of one value."""
    anchor = {"mean": 0.9, "error": ERROR / 6, "most": MOST}
    values = nightly(noise(12, 60))
    broken = [Observation(night=night(60), value=0.5, error=ERROR)] * 40
    after = [replace(one, night=night(61 + number)) for number, one in enumerate(values)]
    assert drifted(values + broken + after, **anchor) is None
    once = Observation(night=night(60), value=0.92, error=ERROR)
    nights = [replace(once, night=night(60 + number)) for number in range(40)]
    repeated = [once, *(replace(one, repeats=True) for one in nights[1:])]
    assert drifted(values + repeated, **anchor) is None
    assert drifted(values + nights, **anchor) is not None
