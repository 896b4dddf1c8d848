"""Treatments and how much they tell: clear on top; coarsened (finer above coarser), mask and token side by side below
it; presence; withhold at the bottom. A treatment stands for all that tell no more than it does."""

from __future__ import annotations

# Of each family the finest first, and which semantics can be coarsened so.
FAMILIES = [
    (["heading", "chapter"], ["HS_CODE"]),
    (["regime", "category"], ["CONTROL_CODE"]),
    (["day", "month", "year"], ["TIMESTAMP"]),
    (["month", "year"], ["DATE"]),
    (["year"], ["BIRTH_DATE"]),
    (["band"], ["MONEY", "MASS", "QUANTITY"]),
    (["cell_0_1", "cell_1", "cell_10"], ["GEO_POINT"]),
    (["country"], ["PORT", "ADDRESS"]),
]
NO_TOKENS = ["CODE", "FREE_TEXT"]

BELOW = {"withhold": {"withhold"}, "presence": {"presence", "withhold"}}
for middle in ["mask", "pseudonymise"]:
    BELOW[middle] = {middle} | BELOW["presence"]
for levels, _ in FAMILIES:
    for at, level in enumerate(levels):
        coarser = {f"generalise:{each}" for each in levels[at:]}
        BELOW[f"generalise:{level}"] = BELOW.get(f"generalise:{level}", set()) | coarser | BELOW["presence"]
BELOW["clear"] = {"clear"}.union(*BELOW.values())


def tells_no_more(one: str, other: str) -> bool:
    return one in BELOW[other]


def greatest(treatments: set[str]) -> str:
    """The one that tells as much as all of them: there is one in what lies below a treatment, or below two."""
    return max(treatments, key=lambda each: len(BELOW[each] & treatments))


def meet(treatments: list[str]) -> str:
    return greatest(set.intersection(BELOW["clear"], *(BELOW[each] for each in treatments)))


def fits(treatment: str, field: dict) -> bool:
    """Can the field take it? Mask and token are for texts, a level is for its semantics."""
    if treatment.startswith("generalise:"):
        level = treatment.removeprefix("generalise:")
        return any(level in levels and field["semantic"] in semantics for levels, semantics in FAMILIES)
    if treatment == "pseudonymise":
        return field["text"] and field["semantic"] not in NO_TOKENS
    return field["text"] if treatment == "mask" else True
