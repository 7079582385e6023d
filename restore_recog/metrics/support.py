"""Whether the data can support a figure: short warnings to print beside it."""

from __future__ import annotations

RULE_OF_30 = 30  # Doddington et al., Speech Communication 31, 2000: errors needed


def flag(
    errors: int, n: int, n_subjects: int, *, false_accept_budget: int | None = None
) -> str | None:
    """Return why a rate must not be quoted bare, or None.

    Only the gravest reason, in this order:

    * ``too few impostors``: the target FMR (or FPIR) allows not one of those there are;
    * ``one subject``: there is nobody to compare them with and no interval;
    * ``no errors: upper limit 3/n = x %``: the rule of three, n = subjects;
    * ``no successes: upper limit 3/n = x %``: the same for the rate of successes;
    * ``under 30 errors`` or ``under 30 successes``: the rule of 30, also where the threshold
      itself rests on fewer than 30 false accepts.

    Args:
        errors: Wrong answers: misses for rank-1, false non-matches for FNMR.
        n: Answers attempted.
        n_subjects: People they come from.
        false_accept_budget: Of the operating point, where the rate has one.

    Raises:
        ValueError: Counts do not fit each other.
    """
    if not (0 <= errors <= n and 1 <= n_subjects <= n):
        raise ValueError(f"{errors} errors in {n} answers of {n_subjects} subjects do not fit.")
    if false_accept_budget == 0:
        return "too few impostors"
    if n_subjects == 1:
        return "one subject"
    limit = f"upper limit 3/n = {100 * rule_of_three(n_subjects):.3g} %"
    if errors == 0:
        return f"no errors: {limit}"
    if errors == n:
        return f"no successes: {limit}"
    if errors < RULE_OF_30 or (false_accept_budget or RULE_OF_30) < RULE_OF_30:
        return f"under {RULE_OF_30} errors"
    if n - errors < RULE_OF_30:
        return f"under {RULE_OF_30} successes"
    return None


def rule_of_three(n: int) -> float:
    """Return the upper 95 % limit of a rate of which n independent trials showed none: 3/n.

    Count independent trials, that is, subjects. Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"At least one trial is needed, not {n}.")
    return min(1.0, 3.0 / n)
