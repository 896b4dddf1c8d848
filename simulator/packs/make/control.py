"""The control list: entries of the real shape, our own words and made-up, rounded thresholds."""

# code | regime | HS6 codes it may fall under | title | parameters: name comparison value unit; ...
LIST = """
2A001.a|NATIONAL|848210|Ball bearings of close tolerance|radial run-out <= 2.5 um; bore >= 4 mm
2B001.a|WASSENAAR|845811 845891|Lathes, numerically controlled, that hold position closely|unidirectional repeatability <= 1.2 um; contouring axes >= 2 axes
2B001.b|WASSENAAR|845710 845961|Machining centres and milling machines, numerically controlled|unidirectional repeatability <= 1.2 um; contouring axes >= 5 axes
3A001.a.3|WASSENAAR|854231|Processors with fast access to memory|external bandwidth >= 600 GB/s; performance density >= 3 points
3A001.a.4|WASSENAAR|854232|Memories for extended temperature|highest rated temperature >= 125 C; lowest rated temperature <= -55 C
3A001.b.3|WASSENAAR|854129|Transistors for microwaves|peak power >= 60 W; operating frequency >= 3.5 GHz
3A001.e.2|WASSENAAR|853224|Capacitors that hold much energy|rated voltage >= 6 kV; energy density >= 260 J/kg
3A002.h|WASSENAAR|903020|Oscilloscopes, fast and wide|bandwidth >= 6 GHz; vertical noise <= 2 %
4A003.b|WASSENAAR|847150|Computers of high performance|adjusted peak performance >= 75 WT
5A002.a|WASSENAAR|851762|Network equipment that enciphers|symmetric key length >= 56 bit; throughput >= 10 Gbit/s
6A003.b.4|WASSENAAR|852589|Cameras with a focal plane array that see heat|frame rate >= 9 Hz; elements >= 111000 elements
6A004.e|WASSENAAR|901380|Optical parts of free form|largest dimension >= 120 mm; roughness <= 1 nm
7A003.a|MTCR|901420|Inertial equipment for position and heading|position drift <= 0.8 nm/h
7A005.a|MTCR|852691|Satellite navigation receivers for fast craft|rated speed >= 600 m/s
9A012.b|MTCR|880730|Parts of aircraft that fly without a crew|endurance >= 30 min; range >= 300 km
1C350.a|AUSTRALIA_GROUP|281212|Chemicals that may be precursors of agents|purity >= 30 %
"""


def entries(text=LIST):
    """Entries as tables of TOML, in the order of their codes."""
    found = []
    for row in text.strip().split("\n"):
        code, regime, hs, title, parameters = row.split("|")
        found.append(dict(
            code=code, category=int(code[0]), group=code[1], regime=regime, title=title,
            hs6=hs.split(), parameter=[parameter(p) for p in parameters.split(";") if p.strip()],
        ))
    return sorted(found, key=lambda entry: entry["code"])


def parameter(text):
    for sign in (" >= ", " <= ", " < ", " > ", " = "):
        if sign in text:
            name, rest = text.strip().split(sign)
            number, _, unit = rest.partition(" ")
            return dict(name=name, unit=unit, comparison=sign.strip(), value=float(number))
    raise ValueError(text)


CATCH_ALL = dict(
    code="CATCH_ALL", title="Goods on no list, meant for a use or a user that the rule names",
    ends=["weapons of mass destruction", "missiles that may carry them", "military end use under embargo",
          "illegally exported parts of military goods"],
    needs_notice=True, exporter_must_tell=True, destinations="embargoed",
    presumption="deny", notice_valid_days=365,
)
