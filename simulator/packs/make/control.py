"""The control list: entries of the real shape, our own words and made-up, rounded thresholds."""

# code | regime | HS6 codes it may fall under | title | parameters: name comparison value unit; ...
LIST = """
0A001.e|NSG|841370 841391|Pumps that circulate coolant of a reactor|flow >= 150 m3/h; shaft leakage <= 0.05 l/h
0A001.h|NSG|848690 841990|Parts inside a reactor vessel that guide or hold fuel|design temperature >= 280 C
0B001.a|NSG|842119|Machines that spin gas to part isotopes|peripheral speed >= 300 m/s
0B001.b|NSG|840120|Parts made for gas centrifuges|rotor diameter >= 70 mm; wall thickness <= 13 mm
0B001.c|NSG|841410 848180|Bellows-sealed valves and pumps for corrosive process gas|bore >= 35 mm; leak rate <= 0.001 mbar l/s
0B003.a|NSG|841780|Plant that turns ore concentrate into uranium fluorides|throughput >= 100 kg/a
0C001|NSG|284410|Natural uranium and its compounds|uranium content >= 0.05 %; mass >= 10 kg
0D001|NSG||Software to run machines that part isotopes|
0E001|NSG||Knowledge to make or run what this category lists|
1A002.a|WASSENAAR|681513|Structures of carbon fibre in resin|specific modulus >= 9.5 Mm; specific strength >= 140 km
1A004.a|WASSENAAR|901920|Breathing gear against chemical agents|protection factor >= 2000 factor
1A101|MTCR|681513|Materials that return little radar|reflectivity <= -12 dB
1A225|NSG|381512|Catalysts that bring hydrogen isotopes into water|platinum content >= 0.2 %
1B001.a|WASSENAAR|847989|Machines that wind fibre round a form|coordinated axes >= 3 axes
1B115|MTCR|847989|Mixers and mills for propellant|volume >= 80 l
1B225|NSG|854370|Cells that make fluorine|output >= 200 g/h
1C001.a|WASSENAAR|382499 320890|Coatings that absorb radio waves|frequency >= 2 GHz; absorption >= 10 dB
1C009.a|WASSENAAR|390469|Fluorinated polymers with elastomers that bear heat|fluorine content >= 10 %
1C010.a|WASSENAAR|540211|Organic fibres, stiff for their mass|specific modulus >= 12 Mm; specific strength >= 230 km
1C010.b|WASSENAAR|681511|Carbon fibres, stiff for their mass|specific modulus >= 14 Mm; specific strength >= 260 km
1C107|MTCR|681599|Graphite, fine-grained and dense|density >= 1.7 g/cm3; grain size <= 100 um
1C116|MTCR|722490|Maraging steel in simple shapes|tensile strength >= 1500 MPa; wall thickness <= 5 mm
1C117|MTCR|810194|Tungsten in fine grains or solid pieces|purity >= 97 %; mass >= 15 kg
1C202.a|NSG|760429|Aluminium alloys of high strength in tubes and bars|tensile strength >= 450 MPa; outer diameter >= 75 mm
1C202.b|NSG|810890|Titanium alloys of high strength in tubes and bars|tensile strength >= 900 MPa; outer diameter >= 75 mm
1C210.a|NSG|681511 701912|Fibres for the walls of rotors|specific modulus >= 12 Mm
1C239|NSG|360200|Explosives of high detonation speed|crystal density >= 1.8 g/cm3; detonation speed >= 8000 m/s
1C240|NSG|750890|Nickel powder and porous nickel|purity >= 99 %; particle size <= 10 um
1C350.a|AUSTRALIA_GROUP|281212|Chemicals of phosphorus that may be precursors of agents|purity >= 30 %
1C350.b|AUSTRALIA_GROUP|293070|Chemicals of sulphur that may be precursors of agents|purity >= 30 %
1C350.c|AUSTRALIA_GROUP|292217|Amines that may be precursors of agents|purity >= 30 %; mass >= 25 kg
1C350.d|AUSTRALIA_GROUP|281111|Fluorides that may be precursors of agents|purity >= 30 %; mass >= 25 kg
1C351.a|AUSTRALIA_GROUP|300249|Germs and toxins that sicken people|viable quantity > 0 mg
1C353|AUSTRALIA_GROUP|300249|Genetic elements of listed germs|
1C450.a|AUSTRALIA_GROUP|293090|Chemicals that an international convention watches|purity >= 30 %; mass >= 200 kg
1E001|WASSENAAR||Knowledge to make listed materials|
2A001.a|WASSENAAR|848210|Ball bearings of close tolerance|radial run-out <= 2.5 um; bore >= 4 mm
2A001.b|WASSENAAR|848220|Tapered roller bearings of close tolerance|radial run-out <= 3.5 um; bore >= 10 mm
2A226|NSG|848180|Valves sealed by bellows|nominal bore >= 5 mm; body nickel content >= 60 %
2A901.a|NATIONAL|848230|Spherical roller bearings for heavy vehicles|dynamic load >= 250 kN
2A901.b|NATIONAL|848250|Cylindrical roller bearings for heavy vehicles|dynamic load >= 200 kN
2B001.a|WASSENAAR|845811|Horizontal lathes, numerically controlled, that repeat a position closely|unidirectional repeatability <= 1.2 um; contouring axes >= 2 axes
2B001.b|WASSENAAR|845710|Machining centres that repeat a position closely|unidirectional repeatability <= 1.2 um; contouring axes >= 5 axes
2B001.c|WASSENAAR|845891|Vertical lathes, numerically controlled, that repeat a position closely|unidirectional repeatability <= 1.4 um; contouring axes >= 2 axes
2B001.d|WASSENAAR|845961|Milling machines that repeat a position closely|unidirectional repeatability <= 1.2 um; contouring axes >= 5 axes
2B001.e|WASSENAAR|845630|Spark-erosion machines that turn their work|rotary axes >= 2 axes; contouring axes >= 4 axes
2B006.a|WASSENAAR|903180|Coordinate measuring machines|length error <= 2.0 um; measured length >= 500 mm
2B006.b|WASSENAAR|903149|Instruments that measure displacement|resolution <= 0.25 um; range >= 0.2 mm
2B008.a|WASSENAAR|846693|Spindles and feedback units for listed machine tools|run-out <= 0.7 um
2B109|MTCR|846226|Machines that form by flow|controlled axes >= 2 axes; roller force >= 55 kN
2B116|MTCR|903180|Shakers for vibration tests|force >= 45 kN; frequency >= 2000 Hz
2B119|MTCR|903180|Machines that balance rotors|rotor mass <= 100 kg; residual unbalance <= 0.2 g mm/kg
2B204|NSG|846290|Isostatic presses|pressure >= 65 MPa; chamber diameter >= 150 mm
2B226|NSG|851419|Induction and vacuum furnaces|temperature >= 850 C; power >= 4 kW
2B230|NSG|902620|Pressure transducers of corrosion-proof material|accuracy <= 1 %; full scale <= 12 kPa
2B231|NSG|841410|Vacuum pumps|throat diameter >= 350 mm; pumping speed >= 14000 l/s
2B350.a|AUSTRALIA_GROUP|847989|Reaction vessels with linings that stand acids|volume >= 90 l
2B350.d|AUSTRALIA_GROUP|750712|Heat exchanger tubes of alloys that stand acids|transfer surface >= 0.2 m2; nickel content >= 40 %
2B350.e|AUSTRALIA_GROUP|841990|Columns and their internals that stand acids|inner diameter >= 0.1 m
2B350.g|AUSTRALIA_GROUP|848180|Valves with wetted parts that stand acids|nominal size >= 10 mm
2B350.i|AUSTRALIA_GROUP|841370|Pumps with two seals or none|flow >= 0.5 m3/h
2B352.a|AUSTRALIA_GROUP|847989|Fermenters that keep germs in|volume >= 18 l
2B352.d|AUSTRALIA_GROUP|842119|Centrifuges that keep germs in|flow >= 90 l/h
2D002|WASSENAAR||Software that lets a machine tool move five axes at once|contouring axes >= 5 axes
2E001|WASSENAAR||Knowledge to make listed machine tools|
3A001.a.1|WASSENAAR|854231 854239|Circuits that stand radiation|total dose >= 4000 Gy; upset rate <= 0.00000001 per bit and day
3A001.a.3|WASSENAAR|854231|Processors with fast links|aggregate bandwidth >= 600 GB/s; processing performance >= 4000 points
3A001.a.4|WASSENAAR|854232|Memories for extended temperature|highest temperature >= 125 C; lowest temperature <= -55 C
3A001.a.5|WASSENAAR|854239|Converters from analogue to digital|resolution >= 10 bit; sample rate >= 1200 MS/s
3A001.a.7|WASSENAAR|854239|Field-programmable gate arrays|pins >= 650 pins; transceiver rate >= 450 Gbit/s
3A001.b.2|WASSENAAR|854233|Microwave amplifiers on one chip|peak power >= 70 W; frequency >= 2.8 GHz
3A001.b.3|WASSENAAR|854129|Transistors for microwaves, of power|peak power >= 60 W; frequency >= 3.5 GHz
3A001.b.4|WASSENAAR|854121|Transistors for microwaves, small|frequency >= 40 GHz; output power >= 0.1 W
3A001.c|WASSENAAR|854160|Devices that carry signals as sound waves|carrier frequency >= 5.5 GHz; bandwidth >= 250 MHz
3A001.e.1|WASSENAAR|850760|Cells that hold much energy|energy density >= 350 Wh/kg
3A001.e.2|WASSENAAR|853224|Capacitors that give much energy at once|rated voltage >= 6 kV; energy density >= 260 J/kg
3A001.h.1|WASSENAAR|854110|Diodes that switch high voltage, hot|repetitive voltage >= 300 V; junction temperature >= 210 C
3A001.h.2|WASSENAAR|854130|Thyristors that switch high voltage, hot|repetitive voltage >= 300 V; junction temperature >= 210 C
3A001.h.3|WASSENAAR|854159|Modules that switch high voltage, hot|repetitive voltage >= 300 V; current >= 1 A
3A002.d|WASSENAAR|854320|Signal generators, fast and clean|frequency >= 32 GHz; phase noise <= -125 dBc/Hz
3A002.e|WASSENAAR|903084|Network analysers|frequency >= 100 GHz
3A002.h|WASSENAAR|903020|Oscilloscopes, fast and wide|bandwidth >= 6 GHz; vertical noise <= 2 %
3A201.a|NSG|853221|Capacitors for pulses|voltage >= 1.3 kV; inductance <= 45 nH
3A225|NSG|850440|Frequency changers for fast motors|output frequency >= 600 Hz; control <= 0.2 %
3A227|NSG|850440|Power supplies of high voltage, direct current|voltage >= 20 kV; stability <= 0.1 %
3A233|NSG|902781|Mass spectrometers for heavy ions|mass range >= 230 u; resolution <= 1 u
3A901.a|NATIONAL|854800|Electronic parts for harsh surroundings|highest temperature >= 110 C
3A902.a|NATIONAL|853669|Plugs for harsh surroundings|contacts >= 30 contacts; shock >= 50 g
3A902.b|NATIONAL|853690|Terminals for harsh surroundings|current >= 5 A; shock >= 50 g
3A903.a|NATIONAL|854151|Transducers on a chip|acceleration range >= 100 g; drift <= 0.5 %
3A904.a|NATIONAL|853400|Printed circuits of many layers|layers >= 14 layers; line width <= 75 um
3A905.a|NATIONAL|903032|Recording multimeters|digits >= 7.5 digits
3A905.b|NATIONAL|903039|Power analysers that record|bandwidth >= 5 MHz
3B001.a|WASSENAAR|848610|Machines that grow or cut crystals for chips|wafer diameter >= 300 mm; thickness variation <= 1 um
3B001.c|WASSENAAR|848620|Machines that etch, coat or expose wafers|feature size <= 45 nm; wafer diameter >= 300 mm
3B001.h|WASSENAAR|848640|Machines for masks of phase shift and for bonding dies|placement error <= 0.5 um
3B002.a|WASSENAAR|903082|Testers for fast circuits|test frequency >= 6 GHz
3C001|WASSENAAR|381800|Wafers with grown layers of compound semiconductors|layers >= 2 layers
3D001|WASSENAAR||Software to design listed circuits|
3E001|WASSENAAR||Knowledge to make listed electronics|
4A003.b|WASSENAAR|847150|Computers of high performance|adjusted peak performance >= 70 WT
4A003.d|WASSENAAR|847180|Boards that speed computers up|processing performance >= 4800 points
4A003.g|WASSENAAR|847180|Equipment that joins computers|link rate >= 2.0 GB/s
4D001.a|WASSENAAR||Software to make or use listed computers|
4E001|WASSENAAR||Knowledge to make listed computers|
5A001.b|WASSENAAR|851769|Radios that hop or spread|hop rate >= 1000 1/s; spread bandwidth >= 20 MHz
5A001.d|WASSENAAR|852910|Antennas whose beam is steered without moving|frequency >= 31.8 GHz
5A001.f|WASSENAAR|851769|Equipment that listens to mobile phones or jams them|range >= 50 m
5A002.a|WASSENAAR|851762|Equipment that enciphers|symmetric key >= 56 bit; throughput >= 10 Gbit/s
5A004.a|WASSENAAR|847180|Equipment that breaks ciphers|
5D002|WASSENAAR||Software that enciphers or breaks ciphers|symmetric key >= 56 bit
6A001.a|WASSENAAR|901480|Sonars and echo sounders|source level >= 205 dB; frequency <= 30 kHz
6A002.a|WASSENAAR|854149|Detectors that see heat or single photons|peak wavelength >= 900 nm; response time <= 95 ns
6A003.b.4|WASSENAAR|852589|Cameras with an array that sees heat|frame rate >= 9 Hz; elements >= 111000 elements
6A004.e|WASSENAAR|901380|Optical parts of free form|largest dimension >= 120 mm; roughness <= 1 nm
6A005.a|WASSENAAR|901320|Lasers of continuous wave|output power >= 15 W; wavelength <= 1555 nm
6A008.a|WASSENAAR|852691|Radars of moving beam|frequency >= 40 GHz; range resolution <= 0.3 m
6A107|MTCR|901580|Gravity meters|accuracy <= 0.7 mGal; settling time <= 120 s
6A203|NSG|852589|Cameras for very fast events|frame rate >= 225000 1/s
6A901.a|NATIONAL|852990|Parts of cameras and transmitters|pixel pitch <= 17 um
6A902.a|NATIONAL|901310|Sights for rifles|magnification >= 6 x
6A905.a|NATIONAL|902750|Spectrometers for field use|resolution <= 1 nm; mass <= 25 kg
7A001.a|WASSENAAR|901420|Accelerometers|bias stability <= 130 ug; scale stability <= 130 ppm
7A002.a|WASSENAAR|901420|Gyroscopes|drift <= 0.5 deg/h
7A003.a|WASSENAAR|901420|Inertial equipment for position and heading|position drift <= 0.8 nm/h
7A005.a|WASSENAAR|852691|Satellite navigation receivers for fast craft|speed >= 600 m/s
7A105|MTCR|852691|Satellite navigation receivers with enciphered signals|altitude >= 18000 m
7E004|WASSENAAR||Knowledge of how to stabilise an aircraft by fibre optics|
8A001.c|WASSENAAR|890520|Craft that dive without a crew|depth >= 1000 m; tether length <= 0 m
8A002.c|WASSENAAR|848690 850110|Motors and thrusters for quiet craft under water|radiated noise <= 110 dB
9A001|WASSENAAR|841112|Gas turbines for aircraft|take-off thrust >= 100 kN; turbine temperature >= 1300 C
9A012.a|WASSENAAR|880622|Aircraft without a crew|endurance >= 30 min; wind limit >= 46 km/h
9A012.b|WASSENAAR|880730|Parts of aircraft that fly without a crew|range >= 300 km; payload >= 500 kg
9A101|MTCR|841112|Small jets for missiles|thrust >= 0.4 kN; fuel consumption <= 0.15 kg/N/h
9A115|MTCR|870121|Vehicles that carry or start rockets|load >= 5 t
9B001|WASSENAAR|841191|Equipment to cast turbine blades in one crystal|blade length >= 40 mm
9D001|WASSENAAR||Software to control listed engines|
9E003.a|WASSENAAR||Knowledge to make blades that bear more heat than their metal|gas temperature >= 1350 C
"""


def entries(text=LIST):
    """Entries as tables of TOML, in the order of their codes."""
    found = []
    for row in text.strip().split("\n"):
        code, regime, hs, title, parameters = row.split("|")
        found.append(dict(
            code=code, category=int(code[0]), group=code[1], regime=regime, title=title, hs6=hs.split(),
            parameter=[parameter(p) for p in parameters.split(";") if p.strip()],
        ))
    return sorted(found, key=lambda entry: entry["code"])


def parameter(text):
    for sign in (" >= ", " <= ", " > "):
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
