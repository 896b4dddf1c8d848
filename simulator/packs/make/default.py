"""Makes packs/default: forty states on a map of our own."""

import itertools
import math

import build
import geo
import goods
import mapmaker
import names
import rules
from check import TAKEN_MONEY
from states_default import (BLOBS, CARRIERS, FEEDERS, FIXED, HOLIDAYS, LOCODES, PLACES, STATES, TRUNKS)
from toml import tables
from write import Pack, geojson, linestrings

SALT = 7


def draw():
    chart = mapmaker.Map(-85, -46, 85, 70, 0.5)
    chart.draw(BLOBS, [(s[4], s[5], s[6]) for s in STATES], SALT)
    rings = chart.trace(3)
    return chart, {STATES[n - 1][0]: rings[n] for n in rings}


def gdp(rank):
    return round(10_000 * rank ** -1.15, 1)


def ports_wanted(rank, hub):
    return max(2 if hub else 1, 4 if rank <= 5 else 3 if rank <= 12 else 2 if rank <= 20 else 1)


def code_of(state, name, taken):
    """Three letters for a place: its first letters, then others of its own."""
    letters = [c for c in name.upper() if "A" <= c <= "Z"]
    tries = [LOCODES.get(name, "".join(letters[:3]))]
    tries += [letters[0] + a + b for i, a in enumerate(letters[1:]) for b in letters[i + 2:]]
    for three in tries:
        if len(three) == 3 and state + three not in taken:
            taken.add(state + three)
            return state + three
    raise ValueError(name)


def sea_ports(chart, water):
    """Places on coasts: the first next to the seed of the state, each other as far as can be from those before."""
    found, taken = [], set()
    spare = {culture: list(places) for culture, places in PLACES.items()}
    for number, row in enumerate(STATES, 1):
        state, _, _, capital, _, lon, lat, rank, culture, role, *_ = row
        shore = []
        for place in mapmaker.coast(chart.arcs, number):
            (cell,) = water.near(place)
            if geo.miles(water.centre(cell), place) < 75:
                shore.append(place)
        if not shore:
            continue
        chosen = [min(shore, key=lambda p: (geo.miles(p, (lon, lat)), p))]
        while len(chosen) < ports_wanted(rank, role == "hub"):
            chosen.append(max(shore, key=lambda p: (min(geo.miles(p, q) for q in chosen), p)))
        called = [capital, *FIXED.get(state, [])]
        for name in called:
            if name in spare[culture]:
                spare[culture].remove(name)
        while len(called) < len(chosen):
            called.append(spare[culture].pop(0))
        for order, (name, place) in enumerate(zip(called, chosen), 1):
            hub = role == "hub"
            size = gdp(rank) ** 0.62 * (1.0, 0.42, 0.25, 0.17)[order - 1] * ((5.5 if order == 1 else 2) if hub else 1)
            found.append(dict(key=f"{state}{order}", locode=code_of(state, name, taken), name=name, country=state,
                              place=place, size=size))
    return found, taken


def within(place, rings, miles):
    """A point so many miles from a place, inside its state."""
    for turn in range(24):
        angle = math.radians(turn * 15)
        point = (place[0] + miles / 60 * math.cos(angle) / math.cos(math.radians(place[1])),
                 place[1] + miles / 60 * math.sin(angle))
        point = (round(point[0], 2), round(point[1], 2))
        if any(geo.inside(point, ring) and geo.to_edge(point, ring) > miles / 3 for ring in rings):
            return point
    raise ValueError(place)


def main():
    pack = Pack("default")
    title = """# The default pack: forty states on a map of our own, trade of the real structure. Nothing in it is real:
# states have codes that ISO 3166 leaves to users (XA-XZ, QM-QZ), so that nobody's is meant."""
    pack.put("pack.toml", rules.pack(title, "default", "1", "fictional", 60000))
    chart, rings = draw()
    water = geo.Sea([r for rs in rings.values() for r in rs], -85, -46, 85, 70, 1.0)
    sea, taken = sea_ports(chart, water)
    first = {p["country"]: p for p in sea if p["key"].endswith("1")}
    for state, name, _, capital, _, lon, lat, *_ in STATES:
        if state not in first:  # No coast: its capital lies where its seed does.
            first[state] = dict(country=state, name=capital, place=(float(lon), float(lat)))
    ranked = sorted((p["locode"] for p in sea), key=lambda l: -next(p["size"] for p in sea if p["locode"] == l))
    share = build.port_shares(ranked, 0.053, 0.045)
    depth = lambda s: 17.5 if s > 0.03 else 16.0 if s > 0.015 else 14.0 if s > 0.008 else 12.0 if s > 0.005 else 10.5
    quays = lambda s: 6 if s > 0.03 else 4 if s > 0.015 else 2 if s > 0.007 else 1
    ports = [dict(locode=p["locode"], name=p["name"], country=p["country"], lat=p["place"][1], lon=p["place"][0],
                  kind="sea", teu_share=share[p["locode"]], terminals=quays(share[p["locode"]]),
                  max_draught_m=depth(share[p["locode"]])) for p in sea]

    # Borders: neighbours share at least 20 miles.
    miles = mapmaker.borders(chart.arcs)
    codes = [s[0] for s in STATES]
    near = {code: [] for code in codes}
    for (a, b), long in sorted(miles.items()):
        if a and long >= 20:
            near[codes[a - 1]].append(codes[b - 1])
            near[codes[b - 1]].append(codes[a - 1])

    # Airports of states with all agencies and the largest others; crossings on the busiest borders.
    rank = {s[0]: s[7] for s in STATES}
    flying = [s[0] for s in STATES if len(s[12]) == 7 or s[7] <= 12 or s[9] == "hub"
              or first[s[0]].get("key") is None]
    for state in flying:
        where = within(first[state]["place"], rings[state], 15)
        name = f"{first[state]['name']} Airport"
        locode = "XNAIR" if state == "XN" else code_of(state, "Air " + name, taken)
        ports.append(dict(locode=locode, name=name, country=state, lat=where[1], lon=where[0], kind="air",
                          teu_share=0.0, terminals=1, max_draught_m=0.0))
    pairs = sorted(((rank[a] * rank[b], a, b) for a in codes for b in near[a] if a < b))
    for _, a, b in pairs[:8]:
        owner = min(a, b, key=lambda c: rank[c])
        sides = tuple(sorted((codes.index(a) + 1, codes.index(b) + 1)))
        line = max((points for s, points in chart.arcs if s == sides), key=len)
        where = line[len(line) // 2]
        other = next(s[1] for s in STATES if s[0] == (b if owner == a else a))
        name = f"{other} Gate"
        ports.append(dict(locode=code_of(owner, name, taken), name=name, country=owner, lat=where[1], lon=where[0],
                          kind="road", teu_share=0.0, terminals=1, max_draught_m=0.0))
    ports.sort(key=lambda p: (codes.index(p["country"]), ("sea", "air", "road").index(p["kind"])))
    pack.put("ports.toml", tables("port", ports), source="Made up; shares as in the world's largest ports.")

    countries, states, places, paid = [], [], [], {"XNK", "XSM", "XVL", "XKM", "XPL", "XDN"}
    for state, name, demonym, capital, _, _, _, place, culture, role, blocs, short, kinds in STATES:
        lon, lat = first[state]["place"]
        here = []
        for port in (p for p in ports if p["country"] == state):
            tail = port["locode"][2:]
            city = port["name"].removesuffix(" Airport").removesuffix(" Gate")
            for number in range(1, 3 if port["kind"] == "sea" and port["terminals"] >= 4 else 2):
                here.append(dict(code=f"{tail}{number}", city=city, country=state, mode=port["kind"],
                                 lat=port["lat"], lon=port["lon"]))
        inside = within((lon, lat), rings[state], 45)
        here.append(dict(code="INL1", city=capital, country=state, mode="inland", lat=inside[1], lon=inside[0]))
        places += here
        third = {"XN": "XNK", "XS": "XSM", "XV": "XVL", "XK": "XKM", "XP": "XPL", "XD": "XDN"}.get(state)
        money = third or next("X" + a + b for a, b in itertools.combinations(name.upper(), 2)
                              if "X" + a + b not in TAKEN_MONEY | paid)
        paid.add(money)
        countries.append(dict(
            code=state, name=name, lat=lat, lon=lon, gdp=gdp(place), culture=culture, currency=money,
            embargoed=role == "banned", transit_hub=role == "hub", neighbours=near[state], trade_agreements=blocs,
            agencies={kind: f"{short}-{kind}" for kind in kinds},
            offices=[dict(code=o["code"], city=o["city"]) for o in here]))
        states.append(dict(
            code=state, demonym=demonym, capital=capital, capital_lat=lat, capital_lon=lon,
            regime_member="licensing" in kinds and role != "hub", languages=names.CULTURES[culture]["languages"],
            utc_offset=float(round(lon / 15)), weekend=[5, 6] if culture == "tarrani" else [6, 7],
            holidays=HOLIDAYS[culture]))
    pack.put("countries.toml", tables("country", countries), source="Made up.",
             codes="user-assigned by ISO 3166", money="made up, X and two letters")
    pack.put("states.toml", tables("state", states) + "\n" + tables("office", places))

    # Services: trunks by hand, feeders round their hubs.
    at = {p["locode"]: p["place"] for p in sea}
    locode = {p["key"]: p["locode"] for p in sea}
    by_sea = lambda a, b: water.miles(*sorted((at[a], at[b])))
    rows = [(name, carrier, knots, teu, [locode[key] for key in keys], 7.0) for name, carrier, knots, teu, keys in TRUNKS]
    hubs = [locode[f"{state}1"] for state in FEEDERS]
    called = {}
    for tour in build.feeders([p["locode"] for p in sea], hubs, by_sea, 4):
        state = tour[0][:2]
        called[state] = called.get(state, 0) + 1
        carrier = FEEDERS[state]
        size = 900 + 350 * len(tour)
        rows.append((f"{tour[0]}-{called[state]}", carrier, 13.0 + 0.5 * len(tour), size, tour, 5.0))
    found = build.services(rows, by_sea)
    pack.put("lanes.toml", tables("service", found), source="Measured on a grid of the map (make/geo.py).")
    (pack.folder / "lanes.geojson").write_text(
        linestrings(build.lanes(found, lambda a, b: water.path(at[a], at[b]))), encoding="utf-8")
    pack.put("carriers.toml", tables("carrier", build.carriers(CARRIERS)))
    (pack.folder / "map.geojson").write_text(
        geojson([(dict(code=s[0], name=s[1]), [[ring] for ring in rings[s[0]]]) for s in STATES]), encoding="utf-8")
    licensing = [dict(code=f"{s[11].upper()}-LIC", country=s[0], agency=f"{s[11]}-licensing", city=s[3],
                      cases_a_year=max(50, round(gdp(s[7]) * 2))) for s in STATES if "licensing" in s[12]]
    pack.shared(goods.read(), list(names.CULTURES), "all", licensing)


if __name__ == "__main__":
    main()
