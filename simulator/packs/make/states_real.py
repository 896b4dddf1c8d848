"""Facts for the real-shape pack, rounded. States and customs territories by ISO 3166; nobody's firms.

Positions: UN/LOCODE by way of the npm package sea-ports 0.0.9 (MIT), rounded to two decimals, set to the quay by us
where it named the city. GDP: 2022, current US dollars, billions, rounded (World Bank). Boxes: 2022, millions of TEU,
rounded (ports' own figures). Borders, moneys and agreements: public record. Arms embargoes on a whole state in force
by the UN Security Council: resolutions 1718 (KP), 1970 (LY), 2428 (SS). Members of the Wassenaar Arrangement: its
public list. A hub is where over half of the boxes change ships (UNCTAD), or a gateway like it.

Which states "take part" is a cast for exercises, not a statement about anybody.
"""

EU = "EU"
# code, name, demonym, capital, lat, lon, GDP, culture, role, agreements, agencies (f all, s some, t two), UTC,
# weekend, languages, money
STATES = """
US|United States|American|Washington|38.90|-77.04|25460|orvalic||USMCA|f|-5|67|en|USD
CN|China|Chinese|Beijing|39.91|116.40|17960|kelmoran||RCEP||8|67|zh|CNY
JP|Japan|Japanese|Tokyo|35.68|139.77|4230|kelmoran||RCEP CPTPP JEUEPA|f|9|67|ja|JPY
DE|Germany|German|Berlin|52.52|13.40|4070|norvic||EU JEUEPA|f|1|67|de|EUR
IN|India|Indian|New Delhi|28.61|77.21|3390|tarrani||SAFTA|t|5.5|67|hi en|INR
GB|United Kingdom|British|London|51.51|-0.13|3070|orvalic||CPTPP TCA|f|0|67|en|GBP
FR|France|French|Paris|48.86|2.35|2780|solmari||EU JEUEPA|s|1|67|fr|EUR
CA|Canada|Canadian|Ottawa|45.42|-75.70|2140|orvalic||USMCA CPTPP|f|-5|67|en fr|CAD
IT|Italy|Italian|Rome|41.90|12.50|2010|solmari||EU JEUEPA|s|1|67|it|EUR
BR|Brazil|Brazilian|Brasilia|-15.79|-47.88|1920|solmari||MERCOSUR|t|-3|67|pt|BRL
AU|Australia|Australian|Canberra|-35.28|149.13|1680|orvalic||RCEP CPTPP|f|10|67|en|AUD
KR|Korea, Republic of|Korean|Seoul|37.57|126.98|1670|kelmoran||RCEP|f|9|67|ko|KRW
MX|Mexico|Mexican|Mexico City|19.43|-99.13|1410|nahuari||USMCA CPTPP|t|-6|67|es|MXN
ES|Spain|Spanish|Madrid|40.42|-3.70|1400|solmari||EU JEUEPA|s|1|67|es|EUR
ID|Indonesia|Indonesian|Jakarta|-6.21|106.85|1320|tarrani||RCEP||7|67|id|IDR
SA|Saudi Arabia|Saudi|Riyadh|24.71|46.68|1110|tarrani||GCC GAFTA||3|56|ar|SAR
NL|Netherlands|Dutch|Amsterdam|52.37|4.90|1010|norvic||EU JEUEPA|f|1|67|nl|EUR
TR|Türkiye|Turkish|Ankara|39.93|32.86|910|vellic||CUEU|t|3|67|tr|TRY
CH|Switzerland|Swiss|Bern|46.95|7.45|820|norvic||EFTA|s|1|67|de fr it|CHF
PL|Poland|Polish|Warsaw|52.23|21.01|690|vellic||EU JEUEPA|s|1|67|pl|PLN
AR|Argentina|Argentine|Buenos Aires|-34.60|-58.38|630|solmari||MERCOSUR||-3|67|es|ARS
SE|Sweden|Swedish|Stockholm|59.33|18.07|590|norvic||EU JEUEPA|s|1|67|sv|SEK
BE|Belgium|Belgian|Brussels|50.85|4.35|580|norvic||EU JEUEPA|f|1|67|nl fr|EUR
NO|Norway|Norwegian|Oslo|59.91|10.75|580|norvic||EFTA|f|1|67|nb|NOK
IE|Ireland|Irish|Dublin|53.35|-6.26|530|orvalic||EU JEUEPA|s|0|67|en|EUR
IL|Israel|Israeli|Jerusalem|31.78|35.22|530|tarrani||||2|56|he|ILS
AE|United Arab Emirates|Emirati|Abu Dhabi|24.45|54.38|510|tarrani|hub|GCC GAFTA|f|4|67|ar|AED
TH|Thailand|Thai|Bangkok|13.76|100.50|500|tarrani||RCEP||7|67|th|THB
NG|Nigeria|Nigerian|Abuja|9.08|7.40|470|tarrani||AFCFTA||1|67|en|NGN
EG|Egypt|Egyptian|Cairo|30.04|31.24|480|tarrani|hub|GAFTA AFCFTA|t|2|56|ar|EGP
AT|Austria|Austrian|Vienna|48.21|16.37|470|norvic||EU JEUEPA|s|1|67|de|EUR
SG|Singapore|Singaporean|Singapore|1.29|103.85|470|kelmoran|hub|RCEP CPTPP|f|8|67|en zh ms|SGD
BD|Bangladesh|Bangladeshi|Dhaka|23.81|90.41|460|tarrani||SAFTA||6|56|bn|BDT
MY|Malaysia|Malaysian|Kuala Lumpur|3.14|101.69|410|tarrani|hub|RCEP CPTPP|s|8|67|ms|MYR
VN|Viet Nam|Vietnamese|Hanoi|21.03|105.85|410|kelmoran||RCEP CPTPP||7|67|vi|VND
ZA|South Africa|South African|Pretoria|-25.75|28.19|410|orvalic||AFCFTA|t|2|67|en af zu|ZAR
PH|Philippines|Philippine|Manila|14.60|120.98|400|solmari||RCEP||8|67|fil en|PHP
DK|Denmark|Danish|Copenhagen|55.68|12.57|400|norvic||EU JEUEPA|s|1|67|da|DKK
PK|Pakistan|Pakistani|Islamabad|33.69|73.06|375|tarrani||SAFTA||5|67|ur|PKR
HK|Hong Kong|Hong Kong|Hong Kong|22.30|114.17|360|kelmoran|hub||s|8|67|zh en|HKD
CO|Colombia|Colombian|Bogota|4.71|-74.07|345|nahuari||ANDEAN||-5|67|es|COP
CL|Chile|Chilean|Santiago|-33.45|-70.67|300|nahuari||CPTPP||-4|67|es|CLP
RO|Romania|Romanian|Bucharest|44.43|26.10|300|solmari||EU JEUEPA|t|2|67|ro|RON
CZ|Czechia|Czech|Prague|50.08|14.44|290|vellic||EU JEUEPA|s|1|67|cs|CZK
FI|Finland|Finnish|Helsinki|60.17|24.94|280|norvic||EU JEUEPA|s|2|67|fi sv|EUR
PT|Portugal|Portuguese|Lisbon|38.72|-9.14|255|solmari||EU JEUEPA|s|0|67|pt|EUR
NZ|New Zealand|New Zealand|Wellington|-41.29|174.78|250|orvalic||RCEP CPTPP|s|12|67|en mi|NZD
PE|Peru|Peruvian|Lima|-12.05|-77.04|245|nahuari||CPTPP ANDEAN||-5|67|es|PEN
QA|Qatar|Qatari|Doha|25.29|51.53|235|tarrani||GCC GAFTA||3|56|ar|QAR
KZ|Kazakhstan|Kazakh|Astana|51.17|71.43|225|vellic|||t|5|67|kk ru|KZT
GR|Greece|Greek|Athens|37.98|23.73|220|solmari||EU JEUEPA|s|2|67|el|EUR
UA|Ukraine|Ukrainian|Kyiv|50.45|30.52|160|vellic||DCFTA|t|2|67|uk|UAH
MA|Morocco|Moroccan|Rabat|34.02|-6.84|130|tarrani|hub|GAFTA AFCFTA|t|1|67|ar|MAD
OM|Oman|Omani|Muscat|23.59|58.41|115|tarrani|hub|GCC GAFTA||4|56|ar|OMR
KE|Kenya|Kenyan|Nairobi|-1.29|36.82|113|orvalic||AFCFTA||3|67|sw en|KES
PA|Panama|Panamanian|Panama City|8.98|-79.52|77|nahuari|hub||t|-5|67|es|PAB
LK|Sri Lanka|Sri Lankan|Colombo|6.93|79.85|75|tarrani|hub|SAFTA||5.5|67|si ta|LKR
LY|Libya|Libyan|Tripoli|32.89|13.19|46|tarrani|banned|GAFTA||2|56|ar|LYD
KP|Korea, DPR of|North Korean|Pyongyang|39.02|125.75|18|kelmoran|banned|||9|7|ko|KPW
SS|South Sudan|South Sudanese|Juba|4.85|31.58|7|orvalic|banned|AFCFTA||2|67|en|SSP
"""

# Land borders among them.
BORDERS = """
US-CA US-MX CN-IN CN-VN CN-KZ CN-PK CN-HK CN-KP KR-KP DE-FR DE-NL DE-BE DE-DK DE-PL DE-CZ DE-AT DE-CH IN-PK IN-BD
FR-ES FR-IT FR-BE FR-CH IT-AT IT-CH BR-AR BR-CO BR-PE ES-PT ES-MA SA-AE SA-QA SA-OM NL-BE TR-GR PL-CZ PL-UA AR-CL
SE-NO SE-FI NO-FI IE-GB IL-EG AE-OM TH-MY EG-LY AT-CZ AT-CH SG-MY ID-MY CO-PE CO-PA RO-UA CL-PE KE-SS
"""

# Wassenaar Arrangement, participating states among them.
MEMBERS = set("US JP DE IN GB FR CA IT AU KR MX ES NL TR CH PL AR SE BE NO IE AT ZA DK RO CZ FI PT NZ GR UA".split())

# locode, name, lat, lon, millions of TEU
SEA = """
CNSHA|Shanghai|31.37|121.58|47.3
SGSIN|Singapore|1.27|103.80|37.3
CNNGB|Ningbo|29.93|121.85|33.4
CNYTN|Yantian|22.57|114.27|14.0
CNSHK|Shekou|22.48|113.90|14.5
CNTAO|Qingdao|36.01|120.22|25.7
CNNSA|Nansha|22.65|113.65|20.0
KRPUS|Busan|35.08|128.83|22.1
CNTXG|Tianjin Xingang|38.98|117.75|21.0
HKHKG|Hong Kong|22.34|114.12|16.7
NLRTM|Rotterdam|51.95|4.05|14.5
AEJEA|Jebel Ali|25.01|55.06|14.0
BEANR|Antwerp|51.30|4.30|13.5
MYPKG|Port Klang|3.00|101.35|13.2
CNXMN|Xiamen|24.46|118.05|12.4
MYTPP|Tanjung Pelepas|1.36|103.55|10.5
USLAX|Los Angeles|33.74|-118.26|9.9
USNYC|New York|40.68|-74.05|9.5
USLGB|Long Beach|33.75|-118.21|9.1
THLCH|Laem Chabang|13.08|100.88|8.7
DEHAM|Hamburg|53.53|9.93|8.3
VNSGN|Ho Chi Minh City|10.77|106.75|7.9
MAPTM|Tanger Med|35.88|-5.50|7.6
IDJKT|Jakarta|-6.10|106.89|7.2
LKCMB|Colombo|6.95|79.84|6.9
INMUN|Mundra|22.74|69.71|6.6
INNSA|Nhava Sheva|18.95|72.95|6.0
USSAV|Savannah|32.08|-81.09|5.9
VNVUT|Vung Tau|10.50|107.03|5.6
VNHPH|Haiphong|20.84|106.69|5.5
PHMNL|Manila|14.60|120.96|5.5
GRPIR|Piraeus|37.94|23.61|5.0
ESVLC|Valencia|39.44|-0.32|5.0
BRSSZ|Santos|-23.96|-46.31|5.0
SAJED|Jeddah|21.47|39.16|4.9
JPTYO|Tokyo|35.61|139.79|4.9
ESALG|Algeciras|36.13|-5.43|4.8
DEBRV|Bremerhaven|53.58|8.55|4.6
OMSLL|Salalah|16.95|54.00|4.5
EGPSD|Port Said|31.23|32.34|4.3
CNDLC|Dalian|38.93|121.65|4.4
USHOU|Houston|29.68|-95.00|4.0
IDSUB|Surabaya|-7.20|112.73|3.9
USORF|Norfolk|36.93|-76.33|3.7
GBFXT|Felixstowe|51.96|1.31|3.6
CAVAN|Vancouver|49.29|-123.08|3.6
ESBCN|Barcelona|41.35|2.16|3.5
MXZLO|Manzanillo|19.07|-104.29|3.5
PAMIT|Manzanillo International|9.37|-79.88|3.5
USSEA|Seattle|47.58|-122.35|3.4
ITGIT|Gioia Tauro|38.44|15.90|3.4
KRINC|Incheon|37.45|126.61|3.3
AUMEL|Melbourne|-37.83|144.92|3.3
PABLB|Balboa|8.96|-79.57|3.3
COCTG|Cartagena|10.40|-75.52|3.2
FRLEH|Le Havre|49.48|0.15|3.1
BDCGP|Chattogram|22.30|91.80|3.1
JPYOK|Yokohama|35.43|139.67|3.0
JPUKB|Kobe|34.67|135.22|2.9
USCHS|Charleston|32.83|-79.90|2.8
JPNGO|Nagoya|35.04|136.85|2.7
AUSYD|Sydney|-33.97|151.21|2.7
ZADUR|Durban|-29.88|31.02|2.6
ITGOA|Genoa|44.41|8.90|2.5
PECLL|Callao|-12.05|-77.15|2.4
USOAK|Oakland|37.80|-122.32|2.3
TRIST|Istanbul|40.97|28.69|2.9
PLGDN|Gdansk|54.38|18.71|2.1
PKKHI|Karachi|24.83|66.98|2.0
TRMER|Mersin|36.79|34.64|2.0
GBLGP|London Gateway|51.50|0.48|2.0
GBSOU|Southampton|50.90|-1.43|1.9
KRKAN|Gwangyang|34.91|127.70|1.9
SADMM|Dammam|26.50|50.20|1.8
EGALY|Alexandria|31.18|29.87|1.8
CLSAI|San Antonio|-33.59|-71.61|1.7
PTSIE|Sines|37.94|-8.85|1.7
CAMTR|Montreal|45.57|-73.51|1.7
INMAA|Chennai|13.09|80.30|1.6
AUBNE|Brisbane|-27.38|153.17|1.5
ILASH|Ashdod|31.83|34.65|1.5
FRFOS|Fos-sur-Mer|43.42|4.88|1.5
ILHFA|Haifa|32.82|35.01|1.4
KEMBA|Mombasa|-4.05|39.64|1.4
ARBUE|Buenos Aires|-34.58|-58.37|1.3
EGDAM|Damietta|31.47|31.76|1.2
NZTRG|Tauranga|-37.66|176.18|1.2
BRPNG|Paranagua|-25.50|-48.51|1.2
MXVER|Veracruz|19.21|-96.13|1.1
QAMES|Mesaieed|24.91|51.59|0.9
SEGOT|Gothenburg|57.69|11.86|0.9
NGAPP|Apapa|6.44|3.37|0.9
IEDUB|Dublin|53.35|-6.20|0.8
ROCND|Constanta|44.12|28.65|0.8
DKAAR|Aarhus|56.15|10.24|0.7
ZACPT|Cape Town|-33.91|18.44|0.7
FIKTK|Kotka|60.43|26.95|0.6
UAODS|Odesa|46.50|30.74|0.4
LYMRA|Misrata|32.37|15.21|0.3
NOOSL|Oslo|59.89|10.75|0.25
NOBGO|Bergen|60.40|5.31|0.1
KPCHO|Chongjin|41.77|129.82|0.05
"""

AIR = """
DEFRA|Frankfurt Airport|50.03|8.56
USMEM|Memphis Airport|35.04|-89.98
USORD|Chicago O'Hare Airport|41.98|-87.90
KRICN|Incheon Airport|37.46|126.44
JPNRT|Narita Airport|35.76|140.39
CNPVG|Shanghai Pudong Airport|31.14|121.81
AEDXB|Dubai Airport|25.25|55.36
QADOH|Doha Airport|25.27|51.61
GBLHR|Heathrow Airport|51.47|-0.45
FRCDG|Paris Charles de Gaulle Airport|49.01|2.55
BELGG|Liege Airport|50.64|5.44
NLAMS|Amsterdam Schiphol Airport|52.31|4.76
INDEL|Delhi Airport|28.56|77.10
CHZRH|Zurich Airport|47.46|8.55
ATVIE|Vienna Airport|48.11|16.57
CZPRG|Prague Airport|50.10|14.26
KZALA|Almaty Airport|43.35|77.04
COBOG|Bogota Airport|4.70|-74.15
MXMEX|Mexico City Airport|19.44|-99.07
SSJUB|Juba Airport|4.87|31.60
"""

ROAD = """
USLRD|Laredo|27.51|-99.51
CAWND|Windsor|42.30|-83.07
MXTIJ|Tijuana|32.54|-117.03
CHBSL|Basel|47.59|7.59
ESIRU|Irun|43.34|-1.79
"""

# Ordinary carriers with made-up names: real lines are nobody's business here.
CARRIERS = [
    ("MERD", "Meridian Container Line", "ocean", "XJMU", 18), ("ALBT", "Albatross Ocean", "ocean", "XEAU", 15),
    ("PACF", "Pacifara Lines", "ocean", "XKPU", 13), ("NORS", "Norsund Shipping", "ocean", "XNSU", 10),
    ("HARB", "Harbinger Transit", "ocean", "XWHU", 9), ("LIRA", "Liramar", "ocean", "QKLU", 8),
    ("ZENI", "Zenith Feeders", "ocean", "QVZU", 7), ("BALT", "Amberway Feeder", "ocean", "QJBU", 5),
    ("GULF", "Pearlwave Gulf Lines", "ocean", "QWGU", 5), ("CAPE", "Capestream Lines", "ocean", "QZCU", 5),
    ("ANDS", "Condora Coastal", "ocean", "XVAU", 5),
    ("SKYF", "Skyferry Cargo", "air", "XQAU", 40), ("NIMB", "Nimbus Airfreight", "air", "QXAU", 35),
    ("ALTA", "Altavia Cargo", "air", "JXAU", 25),
    ("RODE", "Roadella", "road", "XRFU", 40), ("OVER", "Overmark Haulage", "road", "ZXRU", 35),
    ("TRKN", "Truckonia", "road", "ZQRU", 25),
]

# Every hub is on the loops round the world, both ways, and every other service calls at a hub: so two changes of ship
# reach any port.
HUBS = "USLAX KRPUS CNSHA HKHKG SGSIN LKCMB AEJEA EGPSD MAPTM NLRTM USNYC PAMIT".split()
TRUNKS = [
    ("WORLD-1", "MERD", 18.5, 14000, HUBS),
    ("WORLD-2", "ALBT", 18.0, 14000, HUBS[::-1]),
    ("SOUTH-1", "HARB", 17.5, 9000, "SGSIN AUSYD AUMEL ZADUR LKCMB".split()),
    ("ASIA-EUROPE-1", "ALBT", 18.5, 23000, "CNTXG KRPUS CNNGB CNSHA CNYTN SGSIN EGPSD NLRTM DEBRV GBFXT BEANR".split()),
    ("ASIA-EUROPE-2", "MERD", 18.0, 20000, "CNTAO CNXMN CNNSA SGSIN MAPTM GBSOU FRLEH DEHAM PLGDN".split()),
    ("ASIA-EUROPE-3", "LIRA", 17.5, 18000, "CNSHA HKHKG VNVUT MYPKG LKCMB EGPSD MAPTM DEHAM BEANR".split()),
    ("ASIA-MED-1", "LIRA", 17.5, 15000, "CNNGB CNSHK MYPKG SAJED EGPSD GRPIR ITGOA ESVLC".split()),
    ("PACIFIC-1", "PACF", 18.5, 14000, "CNSHA CNNGB KRPUS USLAX USOAK".split()),
    ("PACIFIC-2", "PACF", 18.0, 12000, "VNVUT CNYTN HKHKG USLGB USSEA CAVAN JPTYO".split()),
    ("PACIFIC-3", "ALBT", 18.0, 13000, "CNTAO CNSHA KRPUS PAMIT USSAV USNYC".split()),
    ("ATLANTIC-1", "NORS", 17.5, 9000, "NLRTM BEANR GBFXT USNYC USORF USCHS USSAV".split()),
    ("ATLANTIC-2", "NORS", 17.0, 7000, "DEHAM NLRTM FRLEH CAMTR GBLGP".split()),
    ("ATLANTIC-3", "HARB", 17.0, 6500, "MAPTM ESVLC ITGIT USNYC USORF USHOU".split()),
    ("AMERICAS-1", "ANDS", 17.0, 8500, "USLAX MXZLO PABLB PECLL CLSAI".split()),
    ("AMERICAS-2", "ANDS", 16.5, 7500, "USHOU USSAV COCTG PAMIT BRSSZ BRPNG ARBUE".split()),
    ("EUROPE-SOUTH-AMERICA", "LIRA", 17.0, 8800, "NLRTM DEHAM PTSIE MAPTM BRSSZ ARBUE".split()),
    ("CAPE-1", "CAPE", 17.0, 8000, "SGSIN MYTPP KEMBA ZADUR ZACPT NGAPP MAPTM".split()),
    ("ASIA-GULF-1", "GULF", 17.0, 11000, "CNTAO KRPUS SGSIN INNSA INMUN AEJEA SADMM".split()),
    ("PACIFIC-RIM", "PACF", 16.5, 5000, "SGSIN IDJKT AUBNE NZTRG AUMEL".split()),
    ("NORTH-CHINA", "ZENI", 14.5, 1800, "CNSHA CNDLC KPCHO".split()),
    ("NORTH-ASIA", "ZENI", 15.5, 3500, "KRPUS KRKAN JPUKB JPNGO JPYOK JPTYO KRINC".split()),
]
# Carriers of the feeders of each hub.
FEEDERS = dict(zip(HUBS, "PACF ZENI ZENI ZENI ZENI GULF GULF LIRA LIRA BALT NORS ANDS".split()))
