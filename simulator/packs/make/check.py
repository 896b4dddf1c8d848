"""Checks packs: every reference resolves, shares sum to one, places lie where they should.

    python3 simulator/packs/make/check.py [folder ..]        (all packs of this folder where none is named)

Prints a line of counts for each pack, and each problem found; ends with 1 where there is one. Plain Python 3.11.
"""

import csv
import itertools
import json
import math
import pathlib
import re
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import geo  # noqa: E402

PACKS = pathlib.Path(__file__).resolve().parent.parent
KINDS = ("customs", "licensing", "port", "coastguard", "fiu", "intelligence", "police")
PRIORITY = {
    "1": "854231 854232 854233 854239",
    "2": "851762 852691 853221 853224 854800",
    "3": "847150 850440 851769 852589 852910 852990 853669 853690 854110 854121 854129 854130 854149 854151 854159 "
         "854160 848210 848220 848230 848250 880730 901310 901380 901420 901480",
    "4": "847180 848610 848620 848640 853400 854320 902750 903020 903032 903039 903082 845710 845811 845891 845961 "
         "846693",
}
CHAPTERS = {27: 14.6, 85: 14.2, 84: 10.3, 39: 3.3, 90: 2.6, 72: 2.3, 29: 2.1, 38: 1.2, 94: 1.2, 76: 1.1}
# ISO 4217 codes that begin with X, and old ones.
TAKEN_MONEY = set("XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XEU XFO XFU XOF XPD XPF XPT XRE XSU XTS XUA XXX".split())

# Keys of each table, as the engine and the README have them.
KEYS = {
    "pack.toml": "name version kind period calendar gravity firms rates dirt",
    "period": "from days",
    "calendar": "weekdays months",
    "gravity": "distance contiguity agreement zero_share disturbance",
    "firms": "count slope declarant_slope",
    "rates": "illicit_share offender_share strategic_share decoys_per_case inspection_share licensed_share "
             "origin_differs regular_partner neighbours_by_road air_from_dollars_a_kilogram value "
             "dwell_before_loading cif_over_fob payment_days reported_from_cents scale_noise weighed_again "
             "licence_granted licence_returned licence_days silent_ships",
    "dirt": "spelling native_letters missing digits late late_hours",
    "country": "code name lat lon gdp culture currency embargoed transit_hub neighbours trade_agreements agencies "
               "offices",
    "state": "code demonym capital capital_lat capital_lon regime_member languages utc_offset weekend holidays",
    "office": "code city country mode lat lon",
    "port": "locode name country lat lon kind teu_share terminals max_draught_m",
    "service": "id carrier vessels speed_kn teu rotation legs",
    "carrier": "id name kind prefix share",
    "culture": "id given family stems suffixes streets cities",
    "script": "culture languages script letters",
    "rule": "id use find put chance",
    "entry": "code category group regime title hs6 parameter",
    "parameter": "name unit comparison value",
    "kind": "code name share valid_days days_median days_p95 drawdowns applicants needs_certificate conditions",
    "certificate": "code issuer stamp valid_days share text",
    "licensing office": "code country agency city cases_a_year",
    "scheme": "id weight parameters",
    "catch_all": "code title ends needs_notice exporter_must_tell destinations presumption notice_valid_days",
    "goods": "hs6 chapter name text_variants unit_value_usd_per_kg_median unit_value_sigma kg_per_piece dispersion "
             "controlled control_code tier weight_of_trade dangerous reefer bulk neighbour_hs6 stowage_m3_per_t",
}
TABLES = {
    "countries.toml": "country", "states.toml": "state office", "ports.toml": "port", "lanes.toml": "service",
    "carriers.toml": "carrier", "names.toml": "culture", "spelling.toml": "script rule",
    "control_list.toml": "catch_all entry", "licences.toml": "outcome kind certificate office",
    "schemes.toml": "scheme decoy", "figures.toml": "goods boxes modes checks mirror ais licences accept",
}


class Check:
    def __init__(self, folder):
        self.folder, self.problems = folder, []
        self.demo = folder.name == "demo"

    def must(self, holds, problem):
        if not holds:
            self.problems.append(problem)

    def keys(self, table, kind, where):
        self.must(list(table) == KEYS[kind].split(), f"{where}: keys are {list(table)}")

    def unique(self, values, what):
        values = list(values)
        twice = sorted({v for v in values if values.count(v) > 1})
        self.must(not twice, f"{what} twice: {twice}")

    def sums(self, values, what, to=1.0):
        self.must(abs(sum(values) - to) < 1e-6, f"{what} sum to {sum(values):.6f}")

    def run(self):
        self.read()
        for step in (self.pack, self.countries, self.states, self.ports, self.carriers, self.lanes, self.goods,
                     self.control, self.licences, self.names, self.schemes, self.figures, self.map):
            step()
        return self.problems

    def read(self):
        self.files = {name: tomllib.loads((self.folder / name).read_text("utf-8"))
                      for name in ["pack.toml", *TABLES]}
        for name, wanted in TABLES.items():
            self.must(set(self.files[name]) == set(wanted.split()), f"{name}: tables are {list(self.files[name])}")
        for path in sorted(self.folder.iterdir()):
            text = path.read_text("utf-8")
            self.must(text.endswith("\n") and "\t" not in text and "\r" not in text, f"{path.name}: white space")
            self.must(path.suffix == ".geojson" or text.startswith("#"), f"{path.name}: no comment on top")
        rows = [line for line in (self.folder / "commodities.csv").read_text("utf-8").split("\n")
                if line and not line.startswith("#")]
        self.rows = list(csv.DictReader(rows))
        self.country = {c["code"]: c for c in self.files["countries.toml"]["country"]}
        self.port = {p["locode"]: p for p in self.files["ports.toml"]["port"]}
        self.fictional = self.files["pack.toml"]["kind"] == "fictional"

    def pack(self):
        pack = self.files["pack.toml"]
        self.keys(pack, "pack.toml", "pack.toml")
        for name in ("period", "calendar", "gravity", "firms", "rates", "dirt"):
            self.keys(pack[name], name, f"pack.toml [{name}]")
        self.must(pack["name"] == self.folder.name, "pack.toml: name is not the folder's")
        self.must(pack["kind"] in ("fictional", "real-shape"), "pack.toml: kind")
        self.must(len(pack["calendar"]["weekdays"]) == 7 and len(pack["calendar"]["months"]) == 12, "calendar")
        self.sums(pack["calendar"]["weekdays"], "weekdays", 100.0)
        self.sums(pack["calendar"]["months"], "months", 12.0)
        rates = pack["rates"]
        for key, value in rates.items():
            if isinstance(value, dict):
                self.must(list(value) == ["median", "sigma"], f"rates.{key}")
            elif key not in ("decoys_per_case", "air_from_dollars_a_kilogram", "reported_from_cents"):
                self.must(0 <= value <= 1, f"rates.{key} is no share")
        self.must(rates["licence_granted"] + rates["licence_returned"] < 1, "no licence is ever denied")
        for key, value in pack["dirt"].items():
            low, high = value if key == "late_hours" else (value, 1)
            self.must(0 <= low <= high, f"dirt.{key}")

    def countries(self):
        self.unique([c["code"] for c in self.files["countries.toml"]["country"]], "country")
        self.unique([c["name"] for c in self.country.values()], "name of a state")
        cultures = {c["id"] for c in self.files["names.toml"]["culture"]}
        agencies = []
        for code, c in self.country.items():
            where = f"country {code}"
            self.keys(c, "country", where)
            if self.fictional:
                self.must(re.fullmatch("X[A-Z]|Q[M-Z]", code), f"{where}: not a user-assigned code")
                self.must(re.fullmatch("X[A-Z]{2}", c["currency"]) and c["currency"] not in TAKEN_MONEY,
                          f"{where}: money {c['currency']}")
            self.must(c["gdp"] > 0 and c["culture"] in cultures, f"{where}: gdp or culture")
            for other in c["neighbours"]:
                self.must(other in self.country and other != code, f"{where}: neighbour {other}")
                self.must(code in self.country.get(other, c)["neighbours"], f"{where}: {other} does not know it")
            self.must(set(c["agencies"]) <= set(KINDS), f"{where}: kinds of agencies")
            self.must(not c["agencies"] or "customs" in c["agencies"], f"{where}: takes part without customs")
            self.must(not (c["embargoed"] and c["agencies"]), f"{where}: takes part under embargo")
            self.must(not (c["embargoed"] and c["transit_hub"]), f"{where}: hub under embargo")
            for kind, name in c["agencies"].items():
                self.must(re.fullmatch(f"[a-z]{{2}}-{kind}", name), f"{where}: agency {name}")
                agencies.append(name)
            self.must(len(c["offices"]) > 0, f"{where}: no office")
            self.unique([o["code"] for o in c["offices"]], f"{where}: office")
        self.unique(agencies, "agency")
        if self.fictional:
            self.unique([c["currency"] for c in self.country.values()], "money")
        part = [c for c in self.country.values() if c["agencies"]]
        self.must(any(c["embargoed"] for c in self.country.values()), "no state under embargo")
        self.must(any(c["transit_hub"] for c in part), "no hub takes part")
        self.must(sum(not c["transit_hub"] for c in part) >= 2, "fewer than two suppliers take part")

    def states(self):
        states = self.files["states.toml"]["state"]
        self.must([s["code"] for s in states] == list(self.country), "states.toml: other states or another order")
        for s in states:
            self.keys(s, "state", f"state {s['code']}")
            self.must(-12 <= s["utc_offset"] <= 14, f"state {s['code']}: clock")
            self.must(set(s["weekend"]) <= set(range(1, 8)), f"state {s['code']}: weekend")
            for day in s["holidays"]:
                self.must(re.fullmatch(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])", day), f"state {s['code']}: {day}")
        offices = self.files["states.toml"]["office"]
        for o in offices:
            self.keys(o, "office", f"office {o['country']} {o['code']}")
            self.must(o["mode"] in ("sea", "air", "road", "inland"), f"office {o['code']}: mode")
        known = [(o["country"], o["code"], o["city"]) for o in offices]
        said = [(c["code"], o["code"], o["city"]) for c in self.country.values() for o in c["offices"]]
        self.must(sorted(known) == sorted(said), "offices of states.toml and countries.toml differ")

    def ports(self):
        self.unique([p["locode"] for p in self.files["ports.toml"]["port"]], "locode")
        for locode, p in self.port.items():
            self.keys(p, "port", f"port {locode}")
            self.must(re.fullmatch("[A-Z]{2}[A-Z2-9]{3}", locode), f"port {locode}: not a locode")
            self.must(p["country"] == locode[:2] and p["country"] in self.country, f"port {locode}: state")
            self.must(p["kind"] in ("sea", "air", "road"), f"port {locode}: kind")
            self.must((p["teu_share"] > 0) == (p["kind"] == "sea"), f"port {locode}: share of boxes")
            self.must(p["terminals"] >= 1 and (p["max_draught_m"] > 0) == (p["kind"] == "sea"), f"port {locode}: quays")
        self.sums([p["teu_share"] for p in self.port.values()], "shares of ports")
        self.unique([(p["lat"], p["lon"]) for p in self.port.values()], "place of ports")

    def carriers(self):
        rows = self.files["carriers.toml"]["carrier"]
        self.carrier = {c["id"]: c for c in rows}
        self.unique([c["id"] for c in rows], "carrier")
        self.unique([c["prefix"][:2] for c in rows], "first letters of a prefix")
        for c in rows:
            self.keys(c, "carrier", f"carrier {c['id']}")
            self.must(re.fullmatch("[A-Z]{2,4}", c["id"]), f"carrier {c['id']}: not like a SCAC")
            self.must(re.fullmatch("[A-Z]{3}U", c["prefix"]), f"carrier {c['id']}: prefix {c['prefix']}")
        for kind in ("ocean", "air", "road"):
            self.sums([c["share"] for c in rows if c["kind"] == kind], f"shares of {kind} carriers")

    def lanes(self):
        rows = self.files["lanes.toml"]["service"]
        self.unique([s["id"] for s in rows], "service")
        direct = {}
        for s in rows:
            where = f"service {s['id']}"
            self.keys(s, "service", where)
            self.must(self.carrier.get(s["carrier"], {}).get("kind") == "ocean", f"{where}: carrier {s['carrier']}")
            self.must(12 <= s["speed_kn"] <= 22 and s["vessels"] >= 1 and s["teu"] > 0, f"{where}: ships")
            stops = s["rotation"]
            self.must(len(stops) >= 2 and len(stops) == len(s["legs"]), f"{where}: legs")
            self.unique(stops, f"{where}: port")
            for a, b, leg in zip(stops, stops[1:] + stops[:1], s["legs"]):
                if not all(self.port.get(p, {}).get("kind") == "sea" for p in (a, b)):
                    self.problems.append(f"{where}: {a} or {b} is no sea port")
                    continue
                straight = geo.miles(*((self.port[p]["lon"], self.port[p]["lat"]) for p in (a, b)))
                self.must(isinstance(leg, int) and leg >= straight, f"{where}: {a}-{b} {leg} under {straight:.0f} miles")
                self.must(leg < max(14 * straight, 1200), f"{where}: {a}-{b} {leg} for {straight:.0f} miles")
            for a, b in itertools.permutations(stops, 2):
                direct.setdefault(a, set()).add(b)
        sea = [p for p in self.port if self.port[p]["kind"] == "sea"]
        self.must(set(sea) <= set(direct), f"ports in no rotation: {sorted(set(sea) - set(direct))}")
        for a in sea:
            one = direct.get(a, set())
            two = set().union(one, *(direct[b] for b in one))
            three = set().union(two, *(direct[b] for b in two))
            self.must(set(sea) <= three | {a}, f"{a}: over two changes to {sorted(set(sea) - three - {a})[:4]}")

    def goods(self):
        rows = self.rows
        self.must(list(rows[0]) == KEYS["goods"].split(), "commodities.csv: header")
        codes = [r["hs6"] for r in rows]
        self.unique(codes, "HS code")
        self.must(codes == sorted(codes), "commodities.csv: not in the order of codes")
        by = {r["hs6"]: r for r in rows}
        lists = {e["code"]: e for e in self.files["control_list.toml"]["entry"]}
        priority = {hs: tier for tier, some in PRIORITY.items() for hs in some.split()}
        for r in rows:
            where = f"goods {r['hs6']}"
            self.must(re.fullmatch(r"\d{6}", r["hs6"]) and r["chapter"] == r["hs6"][:2], f"{where}: code or chapter")
            words = [w.strip() for w in r["text_variants"].split(";")]
            self.must(3 <= len(words) <= 5 and all(words), f"{where}: {len(words)} spellings")
            for key in ("unit_value_usd_per_kg_median", "unit_value_sigma", "kg_per_piece", "dispersion",
                        "stowage_m3_per_t", "weight_of_trade"):
                self.must(float(r[key]) > 0, f"{where}: {key}")
            for key in ("controlled", "dangerous", "reefer", "bulk"):
                self.must(r[key] in ("0", "1"), f"{where}: {key}")
            self.must(r["tier"] == priority.get(r["hs6"], ""), f"{where}: tier {r['tier']}")
            if r["controlled"] == "1":
                entry = lists.get(r["control_code"])
                self.must(entry and r["hs6"] in entry["hs6"], f"{where}: {r['control_code']} does not know it")
                like = by.get(r["neighbour_hs6"])
                self.must(like and like["controlled"] == "0", f"{where}: look-alike {r['neighbour_hs6']}")
            else:
                self.must(not r["control_code"] and not r["neighbour_hs6"], f"{where}: not controlled and yet")
        weights = sorted((float(r["weight_of_trade"]) for r in rows), reverse=True)
        self.sums(weights, "weights of goods")
        points = [(math.log(rank), math.log(w)) for rank, w in enumerate(weights, 1)]
        mx, my = (sum(p[i] for p in points) / len(points) for i in (0, 1))
        self.slope = sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
        share = {}
        for r in rows:
            share[int(r["chapter"])] = share.get(int(r["chapter"]), 0) + 100 * float(r["weight_of_trade"])
        for chapter, wanted in CHAPTERS.items():
            self.must(abs(share.get(chapter, 0) - wanted) < 0.1, f"chapter {chapter}: {share.get(chapter, 0):.2f} %")
        self.controlled = [r for r in rows if r["controlled"] == "1"]
        if not self.demo:
            self.must(set(priority) <= set(by), f"not there: {sorted(set(priority) - set(by))}")
            self.must(set(share) == set(range(1, 98)) - {77}, "chapters without goods")
            self.must(abs(self.slope + 1.05) < 0.06, f"slope of goods by rank {self.slope:.3f}")

    def control(self):
        entries = self.files["control_list.toml"]["entry"]
        self.keys(self.files["control_list.toml"]["catch_all"], "catch_all", "control_list.toml [catch_all]")
        known = {r["hs6"] for r in self.rows}
        self.must([e["code"] for e in entries] == sorted({e["code"] for e in entries}), "control list: order, or twice")
        digits = {"WASSENAAR": "0", "MTCR": "1", "NSG": "2", "AUSTRALIA_GROUP": "34", "NATIONAL": "9"}
        for e in entries:
            where = f"entry {e['code']}"
            self.must(list(e)[:6] == KEYS["entry"].split()[:6], f"{where}: keys are {list(e)}")
            self.must(re.fullmatch(r"[0-9][A-E]\d{3}(\.[a-z](\.\d)?)?", e["code"]), f"{where}: shape")
            self.must(e["code"][:2] == f"{e['category']}{e['group']}", f"{where}: category or group")
            self.must(e["code"][2] in digits[e["regime"]] or e["category"] == 0, f"{where}: digits of {e['regime']}")
            self.must(set(e["hs6"]) <= known, f"{where}: {set(e['hs6']) - known}")
            self.must(bool(e["hs6"]) or e["group"] in "DE", f"{where}: no code and yet goods")
            for p in e.get("parameter", []):
                self.keys(p, "parameter", where)
                self.must(p["comparison"] in (">=", "<=", ">") and p["unit"], f"{where}: {p}")

    def licences(self):
        file = self.files["licences.toml"]
        self.sums(file["outcome"].values(), "outcomes of licences")
        self.sums([k["share"] for k in file["kind"]], "shares of licences")
        self.sums([c["share"] for c in file["certificate"]], "shares of certificates")
        for kind in file["kind"]:
            self.keys(kind, "kind", f"licence {kind['code']}")
            self.must(1 <= kind["drawdowns"][0] <= kind["drawdowns"][1] <= 8, f"licence {kind['code']}: drawdowns")
        for certificate in file["certificate"]:
            self.keys(certificate, "certificate", f"certificate {certificate['code']}")
        wanted = {c["agencies"]["licensing"]: code for code, c in self.country.items() if "licensing" in c["agencies"]}
        for office in file["office"]:
            self.keys(office, "licensing office", f"office {office['code']}")
        self.must({o["agency"]: o["country"] for o in file["office"]} == wanted, "licensing offices and agencies differ")

    def names(self):
        cultures = self.files["names.toml"]["culture"]
        scripts = {s["culture"]: s for s in self.files["spelling.toml"]["script"]}
        self.must(list(scripts) == [c["id"] for c in cultures], "spelling.toml: other cultures")
        self.firms = 0
        for c in cultures:
            self.keys(c, "culture", f"culture {c['id']}")
            for key in KEYS["culture"].split()[1:]:
                self.must(len(c[key]) >= 5, f"culture {c['id']}: few {key}")
                self.unique(c[key], f"culture {c['id']}: {key}")
            # Stem, another stem, legal form: one of the five ways in which the engine puts names together.
            self.firms += len(c["stems"]) * (len(c["stems"]) - 1) * len(c["suffixes"])
            script = scripts[c["id"]]
            self.keys(script, "script", f"script of {c['id']}")
            if script["letters"]:
                self.must(len({a for a, _ in script["letters"]}) == len({b for _, b in script["letters"]})
                          == len(script["letters"]), f"script of {c['id']}: a letter twice")
                for word in c["given"] + c["family"] + c["stems"]:
                    native = spell(word.lower(), script["letters"])
                    back = spell(native, [[b, a] for a, b in script["letters"]])
                    self.must(back == word.lower() and not re.search("[a-z]", native), f"{word}: {native}, {back}")
        self.must(self.demo or self.firms >= 50_000, f"only {self.firms} names of firms")
        for rule in self.files["spelling.toml"]["rule"]:
            self.keys(rule, "rule", f"rule {rule['id']}")
            self.must(rule["use"] in ("alias", "dirt") and 0 < rule["chance"] <= 1, f"rule {rule['id']}")

    def schemes(self):
        file = self.files["schemes.toml"]
        self.must([s["id"] for s in file["scheme"]] == [f"T{n:02}" for n in range(1, 27)], "schemes")
        self.must([d["id"] for d in file["decoy"]] == "hub_stock growing_exporter known_ais_hole honest_classification "
                  "parent_pays consolidator seal_replaced licence_renewed".split(), "decoys")
        for kind in ("scheme", "decoy"):
            self.sums([s["weight"] for s in file[kind]], f"weights of {kind}s")
            for s in file[kind]:
                self.keys(s, "scheme", f"{kind} {s['id']}")
                for name, value in s["parameters"].items():
                    ok = (isinstance(value, (int, float)) and 0 <= value <= 1) or (
                        isinstance(value, list) and len(value) == 2 and value[0] <= value[1])
                    self.must(ok, f"{s['id']}: {name} = {value}")

    def figures(self):
        figures = self.files["figures.toml"]
        self.sums(figures["modes"].values(), "modes")
        share = sum(float(r["weight_of_trade"]) for r in self.controlled)
        self.must(abs(figures["goods"]["may_be_controlled_share"] - share) < 0.001, f"controlled share {share:.4f}")

    def map(self):
        path = self.folder / "map.geojson"
        if not path.exists():
            self.must(not self.fictional, "no map")
            return
        rings, edges = {}, {}
        for feature in json.loads(path.read_text("utf-8"))["features"]:
            code, shape = feature["properties"]["code"], feature["geometry"]
            self.must(feature["properties"]["name"] == self.country.get(code, {}).get("name"), f"map: state {code}")
            for polygon in shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]:
                self.must(len(polygon) == 1, f"map {code}: a hole")
                ring = [tuple(p) for p in polygon[0]]
                self.must(len(ring) >= 5 and ring[0] == ring[-1], f"map {code}: ring not closed")
                self.must(geo.area(ring[:-1]) > 0, f"map {code}: ring runs with the clock")
                rings.setdefault(code, []).append(ring[:-1])
                for a, b in zip(ring, ring[1:]):
                    self.must((a, b) not in edges, f"map {code}: edge {a} {b} twice")
                    edges[a, b] = code
        self.must(set(rings) == set(self.country), "map: other states")
        shared = {}
        for (a, b), code in edges.items():
            other = edges.get((b, a))
            if other and other != code:
                shared[code, other] = shared.get((code, other), 0) + geo.miles(a, b)
        for code, c in self.country.items():
            near = {other for (one, other), long in shared.items() if one == code and long >= 20}
            self.must(near == set(c["neighbours"]), f"country {code}: the map has {near ^ set(c['neighbours'])} otherwise")
        pairs = {tuple(sorted(pair)) for s in self.files["lanes.toml"]["service"]
                 for pair in zip(s["rotation"], s["rotation"][1:] + s["rotation"][:1])}
        drawn = set()
        for feature in json.loads((self.folder / "lanes.geojson").read_text("utf-8"))["features"]:
            ends, line = feature["properties"], feature["geometry"]["coordinates"]
            drawn.add((ends["from"], ends["to"]))
            for end, point in ((ends["from"], line[0]), (ends["to"], line[-1])):
                port = self.port.get(end)
                self.must(port and point == [port["lon"], port["lat"]], f"lanes.geojson: {ends} ends elsewhere")
        self.must(drawn == pairs, f"lanes.geojson: other pairs {sorted(drawn ^ pairs)[:3]}")
        for locode, p in self.port.items():
            place, own = (p["lon"], p["lat"]), rings[p["country"]]
            off = min(geo.to_edge(place, ring) for ring in own)
            home = any(geo.inside(place, ring) for ring in own)
            if p["kind"] == "sea":
                self.must(off < 8, f"port {locode}: {off:.0f} miles from the coast")
            elif p["kind"] == "air":
                self.must(home, f"port {locode}: outside its state")
            else:
                self.must(off < 8, f"port {locode}: {off:.0f} miles from the border")
            if p["kind"] != "road":
                for code, others in rings.items():
                    if code != p["country"] and any(geo.inside(place, ring) for ring in others):
                        depth = max(geo.to_edge(place, ring) for ring in others if geo.inside(place, ring))
                        self.must(depth < 2, f"port {locode}: {depth:.0f} miles inside {code}")

    def counts(self):
        entries = self.files["control_list.toml"]["entry"]
        sea = sum(p["kind"] == "sea" for p in self.port.values())
        return (f"{self.folder.name}: {len(self.country)} states ({sum(c['embargoed'] for c in self.country.values())} "
                f"under embargo, {sum(c['transit_hub'] for c in self.country.values())} hubs, "
                f"{sum(len(c['agencies']) == 7 for c in self.country.values())} with all agencies), "
                f"{len(self.port)} ports ({sea} sea), {len(self.files['lanes.toml']['service'])} services, "
                f"{sum(s['vessels'] for s in self.files['lanes.toml']['service'])} ships, {len(self.carrier)} carriers, "
                f"{len(self.rows)} goods ({len(self.controlled)} controlled, slope {self.slope:.2f}), "
                f"{len(entries)} control entries, {len(self.files['names.toml']['culture'])} cultures, "
                f"{self.firms} names of the plainest kind")


def spell(word, letters):
    """A word in other letters, the longest first."""
    out, place = "", 0
    letters = sorted(letters, key=lambda pair: -len(pair[0]))
    while place < len(word):
        for a, b in letters:
            if word.startswith(a, place):
                out, place = out + b, place + len(a)
                break
        else:
            out, place = out + word[place], place + 1
    return out


def main():
    folders = [pathlib.Path(f) for f in sys.argv[1:]] or sorted(p.parent for p in PACKS.glob("*/pack.toml"))
    bad = 0
    for folder in folders:
        check = Check(folder.resolve())
        problems = check.run()
        print(check.counts())
        for problem in problems:
            print(f"  PROBLEM {problem}")
        print("  ok" if not problems else f"  {len(problems)} problems")
        bad += len(problems)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
