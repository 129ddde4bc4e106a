"""Score, categories and endpoint derived a second time, from the exported data sets alone.

Written from Aggarwal et al. 2017, table 3, and from the dictionary of the export; nothing of the
package is imported, and no column of ADRS is read.
"""

from __future__ import annotations

import pandas as pd

# lowest improvement, in per cent of the range, above which the points are earned
_USUAL, _MMT = (5, 15, 25, 40), (2, 10, 20, 30)
_POINTS = {
    "PHGA": (_USUAL, (7.5, 15, 17.5, 20)),
    "PTGA": (_USUAL, (2.5, 5, 7.5, 10)),
    "EMGA": (_USUAL, (7.5, 12.5, 15, 20)),
    "HAQ": (_USUAL, (5, 7.5, 7.5, 10)),
    "MMT": (_MMT, (10, 20, 27.5, 32.5)),
    "ENZYME": (_USUAL, (2.5, 5, 7.5, 7.5)),
}


def scores(adqs: pd.DataFrame) -> pd.DataFrame:
    """Return USUBJID, AVISITN and TIS of every visit after the baseline."""
    later = adqs[adqs["AVISITN"].between(1, 9_000)].copy()
    gain = later["CHG"].where(later["PARAMCD"] == "MMT", -later["CHG"])
    percent = (100.0 * gain / later["SCRANGE"]).round(9)
    later["points"] = 0.0
    for code, (cuts, points) in _POINTS.items():
        for cut, earned in zip(cuts, points, strict=True):
            later.loc[(later["PARAMCD"] == code) & (percent > cut), "points"] = earned
    whole = later.groupby(["USUBJID", "AVISITN"])["points"].agg(["sum", "count"])
    assert (whole["count"] == 6).all()
    return whole["sum"].rename("TIS").reset_index()


def categories(score: pd.Series) -> pd.Series:
    """Return the improvement category of scores."""
    names = ["NONE", "MINIMAL", "MODERATE", "MAJOR"]
    found = pd.cut(score, [-1, 19.99, 39.99, 59.99, 100], labels=names)
    return found.astype(str)


def composite(
    tables: dict[str, pd.DataFrame], week: int, threshold: float
) -> tuple[pd.Series, pd.Series]:
    """Return USUBJID -> response at a week, and -> whether days alone cannot tell.

    No response: no visit, a rescue or confirmed deterioration up to the day of the visit, or
    treatment withdrawn for an adverse event before it. On the day of the visit itself an adverse
    event may have come before or after it.
    """
    subjects = tables["ADSL"].set_index("USUBJID")
    at = scores(tables["ADQS"])
    reached = at[(at["AVISITN"] == week) & (at["TIS"] >= threshold)]["USUBJID"]
    out = pd.Series(subjects.index.isin(reached), index=subjects.index)
    day = 7 * week + 1
    times = tables["ADTTE"]
    events = times[times["PARAMCD"].isin(["TTRESC", "TTDETER"]) & (times["CNSR"] == 0)]
    out[events.loc[events["ADY"] <= day, "USUBJID"].unique()] = False
    withdrawn = tables["ADAE"][tables["ADAE"]["AEACN"] == "DRUG WITHDRAWN"]
    out[withdrawn.loc[withdrawn["ASTDY"] < day, "USUBJID"].unique()] = False
    unsure = subjects.index.isin(withdrawn.loc[withdrawn["ASTDY"] == day, "USUBJID"])
    return out, pd.Series(unsure, index=subjects.index)
