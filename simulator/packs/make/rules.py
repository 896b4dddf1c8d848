"""Licence kinds, end-user certificates and the figures of pack.toml that all packs share."""

KINDS = [
    dict(code="IND", name="individual licence", share=0.70, valid_days=365, days_median=30.0, days_p95=90.0,
         drawdowns=[1, 6], applicants=["maker", "trader"], needs_certificate=True,
         conditions=["No re-export without consent", "Delivery verification within 90 days"]),
    dict(code="GLO", name="global licence", share=0.12, valid_days=1095, days_median=45.0, days_p95=110.0,
         drawdowns=[3, 8], applicants=["maker"], needs_certificate=True,
         conditions=["Annual report of exports", "Only to the consignees of the annex"]),
    dict(code="GEN", name="general authorisation", share=0.06, valid_days=1825, days_median=10.0, days_p95=25.0,
         drawdowns=[1, 8], applicants=["maker", "trader"], needs_certificate=False,
         conditions=["Registration before the first use"]),
    dict(code="TMP", name="temporary export", share=0.05, valid_days=270, days_median=18.0, days_p95=50.0,
         drawdowns=[1, 2], applicants=["maker", "trader"], needs_certificate=False,
         conditions=["Return within the term", "Same serial numbers on return"]),
    dict(code="BRO", name="brokering licence", share=0.03, valid_days=365, days_median=40.0, days_p95=100.0,
         drawdowns=[1, 4], applicants=["trader"], needs_certificate=True,
         conditions=["Report of each movement", "Registration as broker"]),
    dict(code="TEC", name="technology or assistance", share=0.04, valid_days=730, days_median=38.0, days_p95=100.0,
         drawdowns=[1, 3], applicants=["maker"], needs_certificate=True,
         conditions=["Named persons only", "Record of each transfer"]),
]

CERTIFICATES = [
    dict(code="EUC-STATE", issuer="government", stamp=True, valid_days=365, share=0.25,
         text="We, {end_user}, certify that {goods}, {pieces} pieces, are for our own use in {country} and will not "
              "be passed on without the written consent of the authorities of {exporter_country}."),
    dict(code="EUC-FIRM", issuer="end user", stamp=True, valid_days=365, share=0.60,
         text="{end_user}, {address}, declares that {goods} bought from {exporter} serve {end_use} and no weapon, "
              "missile or military end use."),
    dict(code="EUC-STOCK", issuer="stockist", stamp=False, valid_days=180, share=0.15,
         text="{end_user} takes {goods} into stock and will sell only within {country}, keeping a record of each buyer."),
]

OUTCOMES = dict(approved=0.84, returned=0.15, denied=0.01)

RATES = """
# Ordinary fraud: undervaluation, wrong codes, smuggled tobacco. Four customs data sets: 1.21, 1.64, 4.12, 8.16 %.
illicit_share = 0.03
# Importers that make up most of it.
offender_share = 0.1
# True cases of strategic diversion for each consignment. Public estimates: 0.02-0.3 %.
strategic_share = 0.001
# Lawful patterns that look like schemes, for each true case: 20-50.
decoys_per_case = 25
# Imports that are opened; under 2 % of containers everywhere.
inspection_share = 0.02
# Consignments that draw on a licence.
licensed_share = 0.016
# Goods made in a third state: 20 % of Korean import declarations.
origin_differs = 0.2
# Sales to one of a seller's regular buyers.
regular_partner = 0.7
# Trade between land neighbours that goes by road.
neighbours_by_road = 0.7
# Goods dearer than this, US dollars a kilogram, mostly fly.
air_from_dollars_a_kilogram = 80.0
# Value of a consignment, US dollars (lognormal).
value = { median = 5000.0, sigma = 2.6 }
# Days that boxes wait beyond the wait for the next ship; with it about 6.5 days from truck to deep sea.
dwell_before_loading = { median = 2.0, sigma = 0.7 }
# Import value over export value: freight and insurance.
cif_over_fob = { median = 1.06, sigma = 0.02 }
# Days from arrival to payment, plus 20.
payment_days = { median = 30.0, sigma = 0.5 }
# Payments from this amount are reported, US cents.
reported_from_cents = 1000000
# Largest error of a terminal's scales; 2-3 % is usual.
scale_noise = 0.02
# Boxes weighed again on arrival.
weighed_again = 0.2
# Applications granted, returned without a decision; the rest (1 %) is denied. Public licensing reports.
licence_granted = 0.84
licence_returned = 0.15
# Days until an application is decided: median 30, 95th percentile 90, so sigma = ln(3)/1.645.
licence_days = { median = 30.0, sigma = 0.668 }
# Ships silent for over eight hours in a month. So that 67 % have one in a year, as 529 crude tankers had.
silent_ships = 0.088
"""

DIRT = """
# Slips of clerks, in worlds that are generated with `--dirt`: shares of the cells that can have one and say something.
# Ours: a few per cent together, more than careful registers have and less than hurried ones.
[dirt]
# Names written otherwise, by the rules of spelling.toml.
spelling = 0.03
# Of these, in states that have letters of their own: names written in them.
native_letters = 0.25
# Cells that may be empty and are.
missing = 0.02
# Numbers with two neighbouring digits swapped.
digits = 0.01
# Records entered later than they should be, with the time of the entry in place of the event's.
late = 0.03
# So many hours later.
late_hours = [4.0, 96.0]
"""


def pack(title, name, version, kind, firms):
    return f"""{title}
name = "{name}"
version = "{version}"
# "fictional": states, ports and firms are made up. "real-shape": states and ports are real, firms are made up.
kind = "{kind}"

# The time the world plays in.
[period]
from = "2026-01-01"
days = 365

# When declarations are accepted. Weekdays, Monday first, per cent of a week: Monday 28.6, Saturday 3.3 and
# Sunday 2.0 as in Korean import declarations. Months, January first: 1 is an average month.
[calendar]
weekdays = [28.6, 17.0, 17.0, 16.6, 15.5, 3.3, 2.0]
months = [0.94, 0.88, 1.03, 0.98, 1.0, 1.01, 1.0, 0.95, 1.03, 1.05, 1.07, 1.06]

# Trade between states. Elasticities by distance and, as logarithms, of a shared border and of a trade agreement;
# share of pairs that trade nothing. Source: J. M. C. Santos Silva and S. Tenreyro's estimator (PPML, effects by
# country) on public trade of 166 countries, 2006. `disturbance` is ours: sigma of what no variable explains.
[gravity]
distance = -0.83
contiguity = 0.42
agreement = 0.43
zero_share = 0.24
disturbance = 0.8

# Firms: about how many; slopes of size by rank on logarithms of both. Declarants: that by which one is drawn; as firms
# have a usual declarant, what comes out is near the -1.01 of Korean declarants.
[firms]
count = {firms}
slope = -1.05
declarant_slope = -0.85

# Figures. Shares are between 0 and 1.
[rates]{RATES}{DIRT}"""


FIGURES = """
# Figures that are true of this world and that the engine does not read as a rate: what `describe` holds the
# measured world against, and shares that follow from the physics. Shares are between 0 and 1.

[goods]
# Value in goods whose code may fall under control; most of it does not meet a threshold and needs no licence.
may_be_controlled_share = {controlled}
# Value in goods that do need one.
controlled_share = 0.02

[boxes]
# By length in feet; the rest is special. Container fleet statistics.
feet_20 = 0.40
feet_40 = 0.57
feet_45 = 0.029
# Boxes moved empty, cold, or with dangerous goods.
empty = 0.12
reefer = 0.07
dangerous = 0.081
# Mean days from the truck's arrival to the deep-sea ship.
dwell_days = 6.5

[modes]
# Share of consignments; the engine's follow from geography and prices and may differ by 10 points.
sea = 0.62
air = 0.16
road = 0.22

[checks]
# Share of targeted checks that find something: 10-25 % is normal. Random checks.
targeted_precision = [0.10, 0.25]
random_precision = [0.01, 0.03]
# Offences in the riskiest 30 % of declarations.
offences_in_riskiest_30 = 0.80

[mirror]
# Import side over export side: value (freight and insurance) and mass (noise of scales and tare), lognormal.
value = {{ median = 1.06, sigma = 0.02 }}
mass = {{ median = 1.0, sigma = 0.01 }}

[ais]
# Share of the way on which a shore or satellite receiver hears a ship; share of ships dark for good.
coast_coverage = 0.98
ocean_coverage = 0.85
dark_ships = 0.05

[licences]
approved = 0.84
returned = 0.15
denied = 0.01
days_median = 30.0
days_p95 = 90.0

[accept]
# Bounds within which a generated world passes.
distance = [-1.0, -0.6]
contiguity = [0.2, 0.7]
zero_share = [0.20, 0.30]
top_tenth_of_pairs = [0.85, 1.0]
hs_slope = [-1.15, -0.95]
declarant_slope = [-1.15, -0.9]
origin_differs = [0.17, 0.23]
"""
