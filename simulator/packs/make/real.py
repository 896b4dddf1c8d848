"""Makes packs/real-shape: real states and ports, facts only; made-up firms, carriers and services.

    pip download --no-deps searoute==1.6.0      (Apache-2.0; unpack it)
    python3 real.py searoute-1.6.0/searoute/data/marnet_searoute.geojson

Miles by sea are measured on that network of shipping lanes; without the file the miles of the pack as it stands are
kept, and a new leg is refused. Nothing of the network is copied into the pack.
"""

import heapq
import json
import math
import sys
import tomllib

import build
import geo
import goods
import names
import rules
from states_real import (AIR, BORDERS, CARRIERS, FEEDERS, MEMBERS, ROAD, SEA, STATES, TRUNKS)
from toml import tables
from write import PACKS, Pack

KINDS = {"f": ["customs", "licensing", "port", "coastguard", "fiu", "intelligence", "police"],
         "s": ["customs", "licensing", "port"], "t": ["customs", "licensing"], "": []}
# A hub trades so many times what its economy would: goods that it sells on.
TRANSIT = 2
# Passages that liners do not take, or not often.
CLOSED = {"northwest", "bering", "chili"}


def rows(text):
    return [line.split("|") for line in text.strip().split("\n")]


class Lanes:
    """Shortest ways on a network of lanes read from GeoJSON."""

    def __init__(self, path):
        self.near, self.known = {}, {}
        for feature in json.loads(open(path).read())["features"]:
            if feature["properties"].get("passage") in CLOSED:
                continue
            shape = feature["geometry"]
            for line in shape["coordinates"] if shape["type"] == "MultiLineString" else [shape["coordinates"]]:
                for a, b in zip(line, line[1:]):
                    a, b = self.node(a), self.node(b)
                    self.near.setdefault(a, {})[b] = self.near.setdefault(b, {})[a] = geo.miles(a, b)

    @staticmethod
    def node(point):
        lon = (point[0] + 180) % 360 - 180
        return round(lon, 3), round(point[1], 3)

    def miles(self, a, b):
        start, end = (min(self.near, key=lambda n: (geo.miles(n, p), n)) for p in (a, b))
        if start not in self.known:
            best, heap = {start: 0.0}, [(0.0, start)]
            while heap:
                far, here = heapq.heappop(heap)
                if far > best[here]:
                    continue
                for there, long in self.near[here].items():
                    if far + long < best.get(there, math.inf):
                        best[there] = far + long
                        heapq.heappush(heap, (far + long, there))
            self.known[start] = best
        return self.known[start][end] + geo.miles(a, start) + geo.miles(b, end)


class Kept:
    """Miles of the pack as it stands."""

    def __init__(self):
        self.legs = {}
        for service in tomllib.loads((PACKS / "real-shape" / "lanes.toml").read_text())["service"]:
            rotation = service["rotation"]
            for a, b, leg in zip(rotation, rotation[1:] + rotation[:1], service["legs"]):
                self.legs[a, b] = self.legs[b, a] = leg


def main():
    pack = Pack("real-shape")
    title = """# The real-shape pack: sixty states and customs territories by ISO 3166, their ports by UN/LOCODE; facts only.
# Firms, people, carriers and services are made up. Which states take part, and as what, is a cast for an exercise
# and no statement about anybody; change it freely. Sources of the facts: make/states_real.py."""
    pack.put("pack.toml", rules.pack(title, "real-shape", "1", "real-shape", 60000))

    sea = [(l, n, float(y), float(x), float(teu)) for l, n, y, x, teu in rows(SEA)]
    at = {l: (x, y) for l, _, y, x, _ in sea}
    # Each port stands for the smaller ones near it too: a power of its boxes makes the largest 5.3 % of all.
    low, high = 0.2, 1.0
    for _ in range(60):
        power = (low + high) / 2
        top = max(s[4] for s in sea) ** power / sum(s[4] ** power for s in sea)
        low, high = (power, high) if top < 0.053 else (low, power)
    weights = [s[4] ** low for s in sea]
    whole = [max(1, round(w / sum(weights) * 1e4)) for w in weights]
    whole[1] += 10_000 - sum(whole)
    depth = lambda t: 17.5 if t > 9 else 16.0 if t > 4 else 14.5 if t > 2 else 12.5 if t > 0.8 else 10.5
    ports = [dict(locode=l, name=n, country=l[:2], lat=y, lon=x, kind="sea", teu_share=w / 1e4,
                  terminals=min(7, 1 + int(teu // 3)), max_draught_m=depth(teu))
             for (l, n, y, x, teu), w in zip(sea, whole)]
    for kind, text in (("air", AIR), ("road", ROAD)):
        ports += [dict(locode=l, name=n, country=l[:2], lat=float(y), lon=float(x), kind=kind, teu_share=0.0,
                       terminals=1, max_draught_m=0.0) for l, n, y, x in rows(text)]
    states = rows(STATES)
    order = [s[0] for s in states]
    ports.sort(key=lambda p: (order.index(p["country"]), ("sea", "air", "road").index(p["kind"])))
    pack.put("ports.toml", tables("port", ports),
             source="UN/LOCODE; positions from the npm package sea-ports 0.0.9 (MIT), rounded, set to the quay by us.")

    near = {code: [] for code in order}
    for pair in BORDERS.split():
        a, b = pair.split("-")
        near[a].append(b)
        near[b].append(a)
    countries, facts, places, licensing = [], [], [], []
    for (code, name, demonym, capital, lat, lon, gdp, culture, role, blocs, part, clock, weekend, languages,
         money) in states:
        lat, lon = float(lat), float(lon)
        kinds = KINDS[part]
        here = []
        for port in (p for p in ports if p["country"] == code):
            city = port["name"].removesuffix(" Airport")
            for number in range(1, 3 if port["terminals"] >= 4 else 2):
                here.append(dict(code=f"{port['locode'][2:]}{number}", city=city, country=code, mode=port["kind"],
                                 lat=port["lat"], lon=port["lon"]))
        here.append(dict(code="INL1", city=capital, country=code, mode="inland", lat=lat, lon=lon))
        places += here
        countries.append(dict(
            code=code, name=name, lat=lat, lon=lon, gdp=float(gdp) * (TRANSIT if role == "hub" else 1), culture=culture, currency=money,
            embargoed=role == "banned", transit_hub=role == "hub", neighbours=near[code],
            trade_agreements=blocs.split(), agencies={kind: f"{code.lower()}-{kind}" for kind in kinds},
            offices=[dict(code=o["code"], city=o["city"]) for o in here]))
        facts.append(dict(
            code=code, demonym=demonym, capital=capital, capital_lat=lat, capital_lon=lon,
            regime_member=code in MEMBERS, languages=languages.split(), utc_offset=float(clock),
            weekend=[int(d) for d in weekend], holidays=["01-01"]))
        if "licensing" in kinds:
            licensing.append(dict(code=f"{code}-LIC", country=code, agency=f"{code.lower()}-licensing", city=capital,
                                  cases_a_year=max(50, round(float(gdp)))))
    pack.put("countries.toml", tables("country", countries),
             source="States and customs territories, facts only; firms are made up. GDP of 2022, billions of\n"
                    "US dollars (World Bank, rounded), that of hubs twice for what they sell on.", codes="ISO 3166-1 alpha-2",
             money="ISO 4217")
    pack.put("states.toml", tables("state", facts) + "\n" + tables("office", places))

    network = Lanes(sys.argv[1]) if len(sys.argv) > 1 else None
    kept = Kept() if network is None else None
    memory = {}

    def miles(a, b):
        if network is None:
            return kept.legs[a, b]
        pair = tuple(sorted((a, b)))
        if pair not in memory:
            one, two = at[pair[0]], at[pair[1]]
            memory[pair] = math.ceil(max(network.miles(one, two), 1.02 * geo.miles(one, two), 20))
        return memory[pair]

    services = [(name, carrier, knots, teu, rotation, 7.0) for name, carrier, knots, teu, rotation in TRUNKS]
    if network is None:
        old = tomllib.loads((PACKS / "real-shape" / "lanes.toml").read_text())["service"]
        services += [(s["id"], s["carrier"], s["speed_kn"], s["teu"], s["rotation"], 5.0) for s in old[len(TRUNKS):]]
    else:
        on_trunk = {port for trunk in TRUNKS for port in trunk[4]}
        called = {}
        # Ports of a trunk need no feeder; the hub of the others is the one of most use to them.
        rest = [s[0] for s in sea if s[0] not in on_trunk]
        for tour in build.feeders(rest, list(FEEDERS), miles, 5):
            called[tour[0]] = called.get(tour[0], 0) + 1
            services.append((f"{tour[0]}-{called[tour[0]]}", FEEDERS[tour[0]], 13.0 + 0.5 * len(tour),
                             900 + 350 * len(tour), tour, 5.0))
    pack.put("lanes.toml", tables("service", build.services(services, miles)),
             source="Measured on the lanes of searoute 1.6.0 (make/real.py).")
    pack.put("carriers.toml", tables("carrier", build.carriers(CARRIERS)))
    # Two cultures stand for states of many scripts, France and Brazil or Singapore and Viet Nam: in Latin letters.
    pack.shared(goods.read(), list(names.CULTURES), "all", licensing, latin=("solmari", "kelmoran"))


if __name__ == "__main__":
    main()
