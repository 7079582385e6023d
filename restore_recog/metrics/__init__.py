"""Metrics: pure functions of arrays. They print, plot and read nothing.

Conventions that hold in every module:

* A **score** says how alike two faces are: higher is more alike, a comparison is
  accepted if and only if ``score >= threshold``.
* A comparison that could not be made (no face found, restorer crashed, zero vector)
  has the score ``-inf``. It is never accepted and stays in every denominator. NaN and
  ``+inf`` are refused with :class:`ValueError`: they are bugs of the caller.
* **Rates** are fractions in [0, 1], not per cent.
* **Images** are float RGB in [0, 1], ``(H, W, 3)`` or ``(N, H, W, 3)``; **masks** are
  0/1 or bool, ``(H, W)`` or ``(N, H, W)``, 1 = occluded.
* A figure that the data cannot give (no image, empty mask, a single subject) is NaN
  where the docstring says so, never 0.

Modules: :mod:`~restore_recog.metrics.verification` (one against one) and
:mod:`~restore_recog.metrics.separation` (means, spreads, d'),
:mod:`~restore_recog.metrics.streaming` and :mod:`~restore_recog.metrics.streaming_det` (the
same of more scores than memory holds), :mod:`~restore_recog.metrics.identification` (one
against many) and :mod:`~restore_recog.metrics.open_set` (people who may not be enrolled),
:mod:`~restore_recog.metrics.view2` (accuracy on pairs in folds),
:mod:`~restore_recog.metrics.quality` (images and masks),
:mod:`~restore_recog.metrics.uncertainty` (intervals and tests over subjects),
:mod:`~restore_recog.metrics.verification_intervals` (the same for EER and FNMR at FMR),
:mod:`~restore_recog.metrics.differential` (groups of people) and
:mod:`~restore_recog.metrics.support` (whether the data can support a figure).
"""
