"""Goods: reads goods.txt and gives each code its share of trade.

Chapters have the shares of CHAPTERS (value of world trade by HS chapter, 2022); within the whole, shares follow
rank (Zipf) as nearly as the chapters allow.
"""

import pathlib

HEADER = ("hs6,chapter,name,text_variants,unit_value_usd_per_kg_median,unit_value_sigma,kg_per_piece,dispersion,"
          "controlled,control_code,tier,weight_of_trade,dangerous,reefer,bulk,neighbour_hs6,stowage_m3_per_t")

# Ten shares measured (public trade statistics of 2022), the others plausible and made to fill the rest.
MEASURED = {27: 14.6, 85: 14.2, 84: 10.3, 39: 3.3, 90: 2.6, 72: 2.3, 29: 2.1, 38: 1.2, 94: 1.2, 76: 1.1}
# Relative sizes of the rest.
OTHERS = {
    87: 7.6, 30: 3.9, 71: 3.6, 26: 1.5, 73: 1.5, 10: 0.9, 61: 1.3, 62: 1.2, 64: 0.8, 74: 1.0, 28: 0.9, 40: 1.0,
    48: 0.9, 88: 1.3, 2: 0.8, 8: 0.75, 3: 0.75, 12: 0.7, 15: 0.75, 22: 0.7, 33: 0.9, 95: 0.8, 31: 0.65, 89: 0.6,
    44: 0.85, 4: 0.55, 23: 0.5, 34: 0.45, 32: 0.45, 21: 0.5, 82: 0.4, 83: 0.4, 70: 0.45, 63: 0.4, 91: 0.3, 25: 0.35,
    7: 0.45, 19: 0.45, 20: 0.4, 9: 0.4, 17: 0.3, 18: 0.3, 24: 0.28, 16: 0.32, 52: 0.32, 54: 0.28, 42: 0.45, 47: 0.32,
    68: 0.32, 69: 0.3, 86: 0.2, 96: 0.3, 75: 0.25, 81: 0.15, 35: 0.2, 55: 0.22, 60: 0.22, 1: 0.15, 6: 0.13, 11: 0.13,
    49: 0.22, 56: 0.16, 59: 0.16, 41: 0.11, 51: 0.07, 57: 0.09, 58: 0.08, 97: 0.2, 37: 0.09, 36: 0.03, 79: 0.11,
    78: 0.05, 80: 0.05, 13: 0.05, 5: 0.07, 14: 0.02, 43: 0.02, 45: 0.02, 46: 0.02, 50: 0.02, 53: 0.03, 65: 0.05,
    66: 0.02, 67: 0.04, 92: 0.04, 93: 0.09,
}


def read():
    goods = []
    for row in pathlib.Path(__file__).with_name("goods.txt").read_text().splitlines():
        if not row or row.startswith("#"):
            continue
        flags, hs, name, words, price, sigma, piece, spread, stow, control, tier, like = row.split("|")
        goods.append(dict(
            hs6=hs, chapter=hs[:2], name=name, words=[w.strip() for w in words.split(";")], price=price,
            sigma=sigma, piece=piece, spread=spread, control=control, tier=tier, like=like, stow=stow,
            demo="d" in flags, dangerous=int("D" in flags), reefer=int("R" in flags), bulk=int("B" in flags),
        ))
    return sorted(goods, key=lambda g: int(g["hs6"][:2]))  # stable: order within a chapter is rank


def chapter_shares(chapters):
    """Shares of these chapters, summing to one: the measured ones as they are where all the others are there."""
    rest = 1.0 - sum(MEASURED.values()) / 100
    others = {c: s for c, s in OTHERS.items() if c in chapters}
    total = sum(others.values())
    shares = {c: s / 100 for c, s in MEASURED.items() if c in chapters}
    missing = 1.0 - rest - sum(shares.values())
    shares.update({c: s / total * (rest + missing) for c, s in others.items()})
    return shares


def weigh(goods, slope=1.05, flat=4.0):
    """Weight by code: ranked shares dealt to the chapter that lacks most for each code it has left."""
    shares = chapter_shares({int(g["chapter"]) for g in goods})
    queue = {c: [g for g in goods if int(g["chapter"]) == c] for c in shares}
    left = dict(shares)
    power = slope * 1.12
    ladder = [(rank + flat) ** -power for rank in range(1, len(goods) + 1)]
    whole = sum(ladder)
    given = {}
    for size in (step / whole for step in ladder):
        open_ = [c for c in queue if queue[c]]
        # The chapter whose next code should be about this large: what it has left over what is left of its codes.
        need = lambda c: left[c] / (1 + 0.55 * (len(queue[c]) - 1))
        chapter = max(open_, key=lambda c: (need(c), -c))
        given[queue[chapter].pop(0)["hs6"]] = size
        left[chapter] -= size
    sums = {}
    for good in goods:
        sums[int(good["chapter"])] = sums.get(int(good["chapter"]), 0) + given[good["hs6"]]
    weights = {g["hs6"]: given[g["hs6"]] * shares[int(g["chapter"])] / sums[int(g["chapter"])] for g in goods}
    units = {hs: round(w * 1e7) for hs, w in weights.items()}
    largest = max(units, key=units.get)
    units[largest] += 10_000_000 - sum(units.values())
    return {hs: f"{u / 1e7:.7f}" for hs, u in units.items()}


def csv(goods, comment):
    weights = weigh(goods)
    lines = [HEADER]
    for g in sorted(goods, key=lambda g: g["hs6"]):
        cells = [g["hs6"], g["chapter"], g["name"], "; ".join(g["words"]), g["price"], g["sigma"], g["piece"],
                 g["spread"], str(int(bool(g["control"]))), g["control"], g["tier"], weights[g["hs6"]],
                 str(g["dangerous"]), str(g["reefer"]), str(g["bulk"]), g["like"], g["stow"]]
        lines.append(",".join('"' + c + '"' if "," in c else c for c in cells))
    return comment + "\n".join(lines) + "\n"
