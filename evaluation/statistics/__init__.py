"""Statistics of scores: intervals, paired comparisons, families of tests, looks at growing data.

`intervals` needs no scipy: every scoring job imports it. The others do, and are
imported by their own names.
"""

from __future__ import annotations

from evaluation.statistics.intervals import bootstrap, mean_score, wilson

__all__ = ["bootstrap", "mean_score", "wilson"]
