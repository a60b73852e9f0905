"""Effects of assignments on global and target-specific variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.database import Targeted, Variable
from coblyn.doctor.tree.make.defaults import known_output
from coblyn.doctor.tree.make.value import UNKNOWN, maybe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coblyn.doctor.tree.make.expand import Expander
    from coblyn.doctor.tree.make.syntax import Assignment

__all__ = ["either", "for_target", "new_value", "of_target"]

_AT_ONCE = (":=", "::=", ":::=")
# Characters of the budget that each earlier variable of a target costs.
_COST = 50


def new_value(
    found: Assignment, old: Variable | None, expander: Expander, *, is_maybe: bool
) -> Variable:
    """A variable after an assignment.

    Args:
        found: The assignment.
        old: The previous variable; None if it was not set.
        expander: Expands the parts that make expands immediately.
        is_maybe: Whether the assignment is in a branch that may not be taken.
    """
    value = found.value.rstrip("\n") if "\n" in found.value else found.value
    if found.kind == "!=":
        return Variable(known_output(" ".join(value.split())), is_simple=True)
    if found.kind in _AT_ONCE:
        return Variable(expander.expand(value), is_simple=True)
    if found.kind == "+=" and old:
        added = expander.expand(value) if old.is_simple else value
        if is_maybe and not old.is_simple:
            # A mark must precede words; text that is not expanded yet has none.
            added = maybe(expander.expand(value))
        return Variable(f"{old.value} {added}".strip(), old.is_simple)
    return Variable(value)


def either(old: Variable | None, new: Variable, expander: Expander, *, adds: bool) -> Variable:
    """A value set in a branch that may not be taken: the old words or the new ones."""
    if adds and old:
        if not old.is_simple:
            return new
        kept = old.value
        return Variable(f"{kept} {maybe(new.value[len(kept) :])}".strip(), is_simple=True)
    text = new.value if new.is_simple else expander.expand(new.value)
    before = ""
    if old:
        before = maybe(old.value if old.is_simple else expander.expand(old.value))
    # A value without a word may still decide a condition.
    return Variable(f"{before} {maybe(text) or UNKNOWN}".strip(), is_simple=True)


def for_target(
    found: Assignment,
    target: str,
    before: Sequence[Targeted],
    expander: Expander,
    is_maybe: bool,
    is_private: bool,
) -> Targeted:
    """A variable that a line sets for a target, with the immediately expanded parts expanded.

    Args:
        found: The assignment in the line.
        target: The target, or a pattern.
        before: Its earlier variables.
        expander: Knows the variables so far.
        is_maybe: Whether the line is in a branch that may not be taken.
        is_private: Whether prerequisites of the target do not inherit it.
    """
    expander.budget.spend(_COST * len(before))
    value = found.value
    if found.kind == "!=":
        value = known_output(" ".join(value.split()))
    elif found.kind in _AT_ONCE or is_maybe:
        with expander.having(of_target(before, expander.variables, expander)):
            value = expander.expand(value)
    if is_maybe:
        value = maybe(value)
    return Targeted(target, expander.expand(found.name), found.kind, value, is_private)


def of_target(
    fitting: Sequence[Targeted], known: Mapping[str, Variable], expander: Expander
) -> Mapping[str, str]:
    """Variables with target-specific values, expanded.

    Args:
        fitting: The variables that are set for the target, in order.
        known: Global variables.
        expander: Expands them; knows the target's automatic variables.
    """
    found: dict[str, str] = {}
    for each in fitting:
        with expander.having(found):
            is_done = each.kind in (*_AT_ONCE, "!=")
            value = each.value if is_done else expander.expand(each.value)
            before = expander.expand(f"$({each.name})") if each.kind == "+=" else ""
        if each.kind == "+=":
            found[each.name] = f"{before} {value}".strip()
        elif each.kind != "?=" or each.name not in {*known, *found}:
            found[each.name] = value
    return found
