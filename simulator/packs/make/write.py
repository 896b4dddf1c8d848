"""Writes the files of a pack from tables, each with a comment on top that says meaning, unit and source."""

import json
import math
import pathlib

import control
import goods as goods_
import names
import rules
import schemes
from toml import comment, line, tables

PACKS = pathlib.Path(__file__).resolve().parent.parent

KIND_OFFICES = ("customs", "licensing", "port", "coastguard", "fiu", "intelligence", "police")

NOTES = {
    "countries.toml": """
States. {source}
code: {codes}. lat, lon: middle of its trade, degrees.
gdp: size of its economy, heavy-tailed, in units of our own; a hub's counts what it sells on.
culture: of names.toml. currency: {money}.
embargoed: no licence goes there. transit_hub: much of its trade only passes through.
neighbours: by land. trade_agreements: blocs it belongs to.
agencies: kind to id, of states that take part in the exchange; offices: its customs offices.
What the engine does not read (demonym, capital, clock, holidays, places of offices) is in states.toml.""",
    "states.toml": """
What is known of the states of countries.toml beyond what the engine reads.
state: demonym; capital and its place; regime_member: whether it takes part in the export control regimes;
languages; utc_offset: hours; weekend: 1 Monday to 7 Sunday; holidays: month-day, every year.
office: customs offices; mode sea, air, road or inland; place in degrees.""",
    "ports.toml": """
Ports, airports and road crossings. {source}
locode: state and three letters. kind: sea, air or road. teu_share: share of the world's boxes; sea ports sum to 1.
terminals: how many. max_draught_m: deepest ship in metres, 0 where there are none.""",
    "lanes.toml": """
Liner services. vessels: ships that follow each other round the rotation at even distances; speed in knots;
teu: capacity of a ship. rotation: ports in order, after the last comes the first.
legs: nautical miles by sea from each port to the next. {source}""",
    "carriers.toml": """
Carriers. id: short code. prefix: owner and category letters of its boxes (ISO 6346, ends in U): made up, the first
two letters differ from carrier to carrier. share: of all cargo of its kind, so each kind sums to 1. Nobody's names.""",
    "names.toml": """
Parts of names, by culture: invented and pronounceable. Any likeness to people or firms is chance.
Firms are made of stems, families and legal forms (suffixes); people of given and family; addresses of streets, cities.
All in Latin letters; script and spellings are in spelling.toml.""",
    "spelling.toml": """
How names are written otherwise. script: languages (made up) and script (ISO 15924) of each culture of names.toml;
letters: pairs Latin, native, the longest Latin first, so that either form gives the other.
rule: variants for aliases (on purpose) and dirt (slips); find and put are texts, words in braces are parts of a
name; chance that the rule is tried on a name that is to be varied.""",
    "schemes.toml": """
Schemes T01 to T26 and decoys. weight: share among true cases, among decoys. parameters: a range [least, most] that
each case draws from, or a single number, mostly a chance between 0 and 1. The names say the unit.""",
    "control_list.toml": """
A control list of the real shape: category 0-9, group A-E, three digits by regime, sub-paragraphs. The words are
ours and the thresholds are made up, rounded and simplified: NOT a legal text, and no guide to one.
entry: hs6: codes that such goods may be declared under. parameter: what makes the goods controlled; all must hold.
regime: WASSENAAR, NSG, MTCR, AUSTRALIA_GROUP or NATIONAL (digits 9xx). catch_all: the rule on end use.""",
    "licences.toml": """
Licences. kind: share of applications; valid_days; days until decided (lognormal: median, 95th percentile);
drawdowns: least and most exports; applicants: who may apply. certificate: end-user certificates with the text to
fill in. outcome: shares of applications. office: where to apply, in states with a licensing agency.""",
}


class Pack:
    """The files of a pack, ready to be written into its folder."""

    def __init__(self, name):
        self.folder = PACKS / name
        self.folder.mkdir(exist_ok=True)

    def put(self, name, text, **words):
        note = NOTES.get(name)
        head = comment(note.format(**words) if words else note) + "\n" if note else ""
        (self.folder / name).write_text(head + text.rstrip("\n") + "\n", encoding="utf-8")

    def shared(self, codes, cultures, sources, licensing, latin=()):
        """Files that follow from the tables that all packs share. Returns nothing; `codes` are the goods."""
        note = comment("""
Goods: HS 2022 codes with short names of our own, declarants' spellings, prices and masses (orders of magnitude).
weight_of_trade: share by value; chapters as in world trade of 2022 (27 14.6 %, 85 14.2, 84 10.3, 39 3.3, 90 2.6,
72 2.3, 29 2.1, 38 1.2, 94 1.2, 76 1.1), the rest plausible. tier: of the 50 common high-priority codes.
dispersion: sigma of the logarithm of kg_per_piece. neighbour_hs6: looks alike and is not controlled.""")
        self.put("commodities.csv", goods_.csv(codes, note))
        used = {g["control"] for g in codes if g["control"]}
        entries = [e for e in control.entries() if sources == "all" or e["code"] in used]
        known = {g["hs6"] for g in codes}
        entries = [dict(e, hs6=[hs for hs in e["hs6"] if hs in known]) for e in entries]
        catch = "[catch_all]\n" + "\n".join(line(k, v) for k, v in control.CATCH_ALL.items()) + "\n\n"
        self.put("control_list.toml", catch + tables("entry", entries, ["parameter"]))
        parts = [dict(id=c, **{k: names.CULTURES[c][k] for k in
                               ("given", "family", "stems", "suffixes", "streets", "cities")}) for c in cultures]
        self.put("names.toml", tables("culture", parts))
        scripts = [dict(culture=c, languages=names.CULTURES[c]["languages"],
                        script="Latn" if c in latin else names.CULTURES[c]["script"],
                        letters=[] if c in latin else names.CULTURES[c]["letters"]) for c in cultures]
        self.put("spelling.toml", tables("script", scripts) + "\n" + tables("rule", names.RULES))
        both = []
        for kind, rows in (("scheme", schemes.SCHEMES), ("decoy", schemes.DECOYS)):
            for id_, weight, says, parameters in rows:
                keys = "\n".join(line(k, v) for k, v in parameters.items())
                both.append(f"# {says}\n[[{kind}]]\nid = \"{id_}\"\nweight = {weight}\n[{kind}.parameters]\n{keys}\n")
        self.put("schemes.toml", "\n".join(both))
        outcome = "[outcome]\n" + "\n".join(line(k, v) for k, v in rules.OUTCOMES.items()) + "\n\n"
        self.put("licences.toml", outcome + tables("kind", rules.KINDS) + "\n"
                 + tables("certificate", rules.CERTIFICATES) + "\n" + tables("office", licensing))
        weights = goods_.weigh(codes)
        share = sum(float(weights[g["hs6"]]) for g in codes if g["control"])
        (self.folder / "figures.toml").write_text(
            rules.FIGURES.format(controlled=f"{share:.3f}").lstrip("\n"), encoding="utf-8")


def geojson(features):
    """GeoJSON with a feature a line; features are (properties, [rings of (lon, lat)] for each polygon)."""
    rows = []
    for properties, polygons in features:
        rings = [[[[round(x, 2), round(y, 2)] for x, y in ring + ring[:1]] for ring in polygon]
                 for polygon in polygons]
        geometry = (dict(type="Polygon", coordinates=rings[0]) if len(rings) == 1
                    else dict(type="MultiPolygon", coordinates=rings))
        rows.append(json.dumps(dict(type="Feature", properties=properties, geometry=geometry),
                               ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(rows) + "\n]}\n"


def shares(weights, digits=4):
    """Numbers that sum to exactly one, in proportion to weights."""
    total, unit = sum(weights), 10 ** digits
    whole = [max(1, round(w / total * unit)) for w in weights]
    whole[whole.index(max(whole))] += unit - sum(whole)
    return [w / unit for w in whole]


def ships(round_miles, speed, calls, days=7.0):
    """Ships for a sailing every `days` days: a round at sea and 18 hours in each port."""
    return max(1, math.ceil((round_miles / speed + 18 * calls) / 24 / days))


def linestrings(features):
    """GeoJSON of lines: features are (properties, [(lon, lat)])."""
    rows = [json.dumps(dict(type="Feature", properties=properties,
                            geometry=dict(type="LineString", coordinates=[list(p) for p in line])),
                       ensure_ascii=False, separators=(",", ":")) for properties, line in features]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(rows) + "\n]}\n"
