"""Makes packs/demo: six states round a small sea, drawn by hand."""

import build
import geo
import goods
import rules
from toml import tables
from write import Pack, geojson, linestrings, shares, ships

# Corners, (longitude, latitude); borders are written once and used by both states.
NORVIA_KELMORA = [(10.2, 58.0), (13.4, 57.4), (16.6, 58.3)]
SOLMARK_PELLAS = [(24.2, 58.6), (27.0, 57.9), (30.5, 58.9), (34.6, 58.2)]
VELLAND_DORANE = [(25.9, 49.0), (23.4, 47.6), (22.2, 45.8), (21.0, 44.4)]
STATES = {
    "XN": NORVIA_KELMORA + [(17.1, 59.2), (17.6, 60.1), (18.6, 60.6), (18.9, 61.3), (18.5, 62.0), (19.5, 62.6),
                            (18.4, 63.9), (16.9, 64.1), (15.0, 64.6), (13.1, 63.4), (12.0, 63.0), (11.7, 61.6),
                            (10.9, 60.6), (10.9, 59.2)],
    "XK": NORVIA_KELMORA[::-1] + [(9.4, 56.6), (10.1, 55.4), (9.8, 54.3), (11.0, 53.6), (12.4, 53.7), (13.2, 53.1),
                                  (14.9, 53.8), (15.5, 54.8), (16.4, 55.2), (16.5, 56.3), (17.2, 57.0), (16.5, 57.6)],
    "XS": SOLMARK_PELLAS + [(35.3, 59.3), (34.8, 60.6), (35.2, 61.6), (33.6, 62.5), (32.1, 62.8), (31.0, 63.7),
                            (29.0, 63.4), (27.4, 64.2), (25.6, 63.4), (24.1, 63.1), (23.9, 61.8), (22.9, 61.1),
                            (23.1, 60.0), (23.9, 59.6)],
    "XP": SOLMARK_PELLAS[::-1] + [(23.5, 57.8), (24.0, 56.6), (24.8, 55.5), (26.2, 55.3), (27.4, 54.8), (29.0, 55.3),
                                  (30.7, 55.2), (32.0, 56.2), (33.4, 56.4), (33.9, 57.4)],
    "XV": VELLAND_DORANE + [(19.4, 44.9), (18.1, 44.8), (17.0, 45.8), (15.5, 46.2), (15.2, 47.4), (14.5, 48.4),
                            (15.3, 49.3), (15.4, 50.1), (16.9, 50.5), (18.1, 51.4), (20.0, 51.6), (21.6, 51.3),
                            (22.4, 51.8), (23.7, 51.2), (24.6, 50.2)],
    "XD": VELLAND_DORANE[::-1] + [(27.2, 49.6), (28.6, 49.2), (30.2, 49.3), (31.7, 48.6), (33.3, 48.2), (34.2, 47.0),
                                  (34.0, 46.0), (34.7, 45.0), (33.4, 44.2), (32.1, 43.3), (30.0, 43.2), (28.1, 42.6),
                                  (26.2, 43.2), (24.3, 43.0), (22.6, 43.6)],
}

# code: name, demonym, capital, place, gdp, culture, currency, hub, embargoed, blocs, id of agencies, kinds
ALL = ["customs", "licensing", "port", "coastguard", "fiu", "intelligence", "police"]
FACTS = [
    ("XN", "Norvia", "Norvian", "Havenfjord", (18.9, 61.3), 520.0, "norvic", "XNK", 0, 0, ["NORTH"], "nv", ALL, 1),
    ("XS", "Solmark", "Solmarkian", "Port Solmark", (23.1, 60.0), 410.0, "solmari", "XSM", 0, 0,
     ["NORTH"], "sm", ALL, 2),
    ("XV", "Velland", "Vellander", "Vellgrad", (20.0, 51.6), 420.0, "vellic", "XVL", 1, 0, ["STRAIT"], "vl", ALL, 4),
    ("XK", "Kelmora", "Kelmoran", "Kelmor", (15.5, 54.8), 860.0, "kelmoran", "XKM", 0, 0, ["NORTH"], "km", ALL, 1),
    ("XP", "Pellas", "Pellan", "Pella Roads", (24.8, 55.5), 300.0, "solmari", "XPL", 1, 0, ["STRAIT"], "pl",
     ["customs", "licensing", "port", "fiu"], 2),
    ("XD", "Dorane", "Doranian", "Dor", (31.7, 48.6), 180.0, "vellic", "XDN", 0, 1, [], "dr", [], 4),
]

# locode, name, lon, lat, kind, weight among sea ports, terminals, draught
PORTS = [
    ("XNHAV", "Havenfjord", 18.9, 61.3, "sea", 17, 3, 15.5),
    ("XNTAL", "Tallinder", 12.0, 63.0, "sea", 6, 1, 11.5),
    ("XSPSM", "Port Solmark", 23.1, 60.0, "sea", 16, 3, 15.0),
    ("XSMAR", "Marsa", 31.0, 63.7, "sea", 4, 1, 10.5),
    ("XVVEL", "Vellgrad", 20.0, 51.6, "sea", 21, 4, 16.5),
    ("XKKEL", "Kelmor", 15.5, 54.8, "sea", 18, 3, 16.0),
    ("XPPEL", "Pella Roads", 24.8, 55.5, "sea", 13, 2, 14.5),
    ("XDDOR", "Dor", 31.7, 48.6, "sea", 5, 1, 11.0),
    ("XNAIR", "Havenfjord Airport", 18.2, 61.5, "air", 0, 1, 0.0),
    ("XKAIR", "Kelmor Airport", 15.0, 55.0, "air", 0, 1, 0.0),
    ("XVAIR", "Vellgrad Airport", 19.8, 51.2, "air", 0, 1, 0.0),
    ("XVGAT", "Rionara Gate", 23.2, 47.6, "road", 0, 1, 0.0),
]

CARRIERS = [
    ("NVFL", "Norvia Feeder Line", "ocean", "XNVU", 30), ("SMOL", "Solmark Ocean Line", "ocean", "XSMU", 40),
    ("VLLS", "Velland Lines", "ocean", "XVLU", 30), ("KMCX", "Kelmora Cargo Air", "air", "XKCU", 60),
    ("NVAX", "Norvia Air Freight", "air", "XAFU", 40), ("SMRF", "Solmark Road Freight", "road", "XRFU", 45),
    ("VLTR", "Velland Trans", "road", "XTRU", 55),
]

# id, carrier, knots, TEU, rotation
SERVICES = [
    ("NORTH-1", "NVFL", 15.0, 1400, ["XNHAV", "XSPSM", "XKKEL"]),
    ("NORTH-2", "NVFL", 14.0, 900, ["XNTAL", "XKKEL", "XVVEL"]),
    ("STRAIT-1", "SMOL", 17.0, 4200, ["XSPSM", "XPPEL", "XVVEL", "XKKEL"]),
    ("STRAIT-2", "SMOL", 16.0, 2600, ["XNHAV", "XPPEL", "XVVEL"]),
    ("MARSA", "SMOL", 13.0, 700, ["XSMAR", "XSPSM", "XNHAV"]),
    ("SOUTH-1", "VLLS", 14.5, 1100, ["XVVEL", "XDDOR"]),
    ("SOUTH-2", "VLLS", 14.0, 1000, ["XPPEL", "XDDOR", "XVVEL"]),
    ("RING", "VLLS", 18.0, 5200, ["XVVEL", "XKKEL", "XNHAV", "XSPSM", "XPPEL"]),
]

HOLIDAYS = {"XN": ["01-01", "05-17", "12-25", "12-26"], "XS": ["01-01", "06-02", "08-15", "12-25"],
            "XV": ["01-01", "01-07", "05-26", "10-14"], "XK": ["01-01", "01-02", "04-29", "11-03"],
            "XP": ["01-01", "03-21", "08-15", "12-25"], "XD": ["01-01", "05-09", "09-01"]}


def ring(code):
    """Corners of a state against the clock."""
    corners = STATES[code]
    return corners if geo.area(corners) > 0 else corners[::-1]


def borders():
    """Neighbours: states that share two corners or more."""
    shared = lambda a, b: len(set(STATES[a]) & set(STATES[b])) >= 2
    return {a: [b for b in STATES if b != a and shared(a, b)] for a in STATES}


def offices(code):
    found = []
    for locode, name, lon, lat, kind, *_ in PORTS:
        if locode[:2] == code:
            short = locode[2:]
            for number in (1, 2) if kind == "sea" and short in ("HAV", "PSM", "VEL", "KEL") else (1,):
                found.append(dict(code=f"{short}{number}", city=name.replace(" Airport", "").replace(" Gate", ""),
                                  country=code, mode=kind, lat=lat, lon=lon))
    return found


def main():
    pack = Pack("demo")
    title = "# The demo pack: six states round a small sea, for a first look and for tests. Nothing in it is real."
    pack.put("pack.toml", rules.pack(title, "demo", "1", "fictional", 2000))
    near = borders()
    countries, states, places = [], [], []
    for code, name, demonym, capital, (lon, lat), gdp, culture, money, hub, banned, blocs, short, kinds, clock in FACTS:
        here = offices(code)
        places += here
        countries.append(dict(
            code=code, name=name, lat=lat, lon=lon, gdp=gdp, culture=culture, currency=money,
            embargoed=bool(banned), transit_hub=bool(hub), neighbours=near[code], trade_agreements=blocs,
            agencies={kind: f"{short}-{kind}" for kind in kinds},
            offices=[dict(code=o["code"], city=o["city"]) for o in here]))
        states.append(dict(
            code=code, demonym=demonym, capital=capital, capital_lat=lat, capital_lon=lon,
            regime_member=bool(kinds) and not hub, languages={"norvic": ["nrv"], "solmari": ["slm"],
                                                              "vellic": ["vlk"], "kelmoran": ["kmr"]}[culture],
            utc_offset=float(clock), weekend=[6, 7], holidays=HOLIDAYS[code]))
    pack.put("countries.toml", tables("country", countries), source="Made up.",
             codes="user-assigned by ISO 3166", money="made up, X and two letters")
    pack.put("states.toml", tables("state", states) + "\n" + tables("office", places))
    sea = [port for port in PORTS if port[4] == "sea"]
    share = dict(zip((p[0] for p in sea), shares([p[5] for p in sea])))
    ports = [dict(locode=l, name=n, country=l[:2], lat=y, lon=x, kind=k, teu_share=share.get(l, 0.0), terminals=t,
                  max_draught_m=d) for l, n, x, y, k, _, t, d in PORTS]
    pack.put("ports.toml", tables("port", ports), source="Made up.")
    whole = {kind: [c[4] for c in CARRIERS if c[2] == kind] for kind in ("ocean", "air", "road")}
    part = {kind: iter(shares(weights, 2)) for kind, weights in whole.items()}
    pack.put("carriers.toml", tables("carrier", [dict(id=i, name=n, kind=k, prefix=p, share=next(part[k]))
                                                 for i, n, k, p, _ in CARRIERS]))
    water = geo.Sea(list(STATES.values()), 6, 40, 38, 67, 0.2)
    point = {p[0]: (p[2], p[3]) for p in PORTS}
    services = []
    for name, carrier, knots, teu, rotation in SERVICES:
        legs = [water.miles(point[a], point[b]) for a, b in zip(rotation, rotation[1:] + rotation[:1])]
        services.append(dict(id=name, carrier=carrier, vessels=ships(sum(legs), knots, len(legs), 4.0),
                             speed_kn=knots, teu=teu, rotation=rotation, legs=legs))
    pack.put("lanes.toml", tables("service", services),
             source="Measured on a grid of the map (make/geo.py).")
    (pack.folder / "lanes.geojson").write_text(
        linestrings(build.lanes(services, lambda a, b: water.path(point[a], point[b]))), encoding="utf-8")
    (pack.folder / "map.geojson").write_text(
        geojson([(dict(code=f[0], name=f[1]), [[ring(f[0])]]) for f in FACTS]), encoding="utf-8")
    licensing = [dict(code=f"{f[11].upper()}-LIC", country=f[0], agency=f"{f[11]}-licensing", city=f[3],
                      cases_a_year=round(f[5] * 4)) for f in FACTS if "licensing" in f[12]]
    pack.shared([g for g in goods.read() if g["demo"]], ["norvic", "solmari", "vellic", "kelmoran"], "used", licensing)


if __name__ == "__main__":
    main()
