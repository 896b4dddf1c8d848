"""The states of the default pack: a table by hand. Nobody's states."""

# Continents and islands: name, lon, lat, half width, half height.
BLOBS = [
    ("borea", -8, 54, 24, 8), ("borea", 12, 51, 12, 9), ("borea", -27, 47, 10, 7), ("borea", 16, 60, 7, 6),
    ("vesper", 38, 58, 9, 5.5),
    ("aurora", 58, 30, 18, 12), ("aurora", 66, 12, 11, 14), ("aurora", 48, 18, 9, 7), ("aurora", 66, 44, 9, 8),
    ("meridia", 3, -16, 16, 13), ("meridia", 15, -28, 10, 11), ("meridia", -11, -7, 9, 8),
    ("hespera", -62, 24, 11, 17), ("hespera", -56, -8, 9, 15), ("hespera", -68, 41, 11, 8), ("hespera", -50, 12, 6, 6),
    ("halcyra", -29, 14, 5, 4), ("umbrel", 38, -10, 5, 4), ("zephyra", 64, -30, 7, 5), ("xanthea", -34, -32, 6, 5),
]

FULL = ["customs", "licensing", "port", "coastguard", "fiu", "intelligence", "police"]
SOME = ["customs", "licensing", "port"]
TWO = ["customs", "licensing"]
NONE = []

# code, name, demonym, capital, continent, lon, lat, GDP rank, culture, role, blocs, short, agencies
# role: "" ordinary, "hub", "banned".
STATES = [
    ("XN", "Norvia", "Norvian", "Havenfjord", "borea", 15, 60, 9, "norvic", "", ["NORTH", "OCEAN"], "nv", FULL),
    ("XK", "Kelmora", "Kelmoran", "Kelmor", "borea", 15, 52, 2, "kelmoran", "", ["NORTH", "OCEAN"], "km", FULL),
    ("XV", "Velland", "Vellander", "Vellgrad", "borea", 4, 47, 8, "vellic", "hub", ["STRAIT"], "vl", FULL),
    ("XO", "Ostrand", "Ostrander", "Ostervaag", "borea", 1, 57, 5, "norvic", "", ["NORTH"], "os", SOME),
    ("XA", "Aldmere", "Aldmeran", "Aberwick", "borea", -12, 56, 4, "orvalic", "", ["NORTH", "OCEAN"], "am", FULL),
    ("XJ", "Jorvany", "Jorvanian", "Jorvanstad", "borea", -24, 53, 23, "norvic", "", ["NORTH"], "jv", SOME),
    ("XF", "Fernoy", "Fernoyan", "Glanmor", "borea", -28, 46, 12, "orvalic", "", ["OCEAN"], "fn", FULL),
    ("XD", "Dorane", "Doranian", "Dor", "borea", -9, 49, 14, "vellic", "banned", [], "dr", NONE),
    ("XS", "Solmark", "Solmarkian", "Port Solmark", "vesper", 37, 58, 7, "solmari", "", ["NORTH"], "sm", FULL),
    ("XP", "Pellas", "Pellan", "Pella Roads", "vesper", 46, 57, 13, "solmari", "hub", ["STRAIT"], "pl", FULL),
    ("XB", "Brescany", "Brescan", "Brescar", "aurora", 64, 47, 24, "vellic", "", ["SILK"], "br", TWO),
    ("XG", "Galdria", "Galdrian", "Galdir", "aurora", 51, 37, 20, "tarrani", "", ["SILK"], "gd", SOME),
    ("XE", "Eskarra", "Eskarran", "Eskar", "aurora", 69, 38, 1, "kelmoran", "", ["SILK", "OCEAN"], "ek", FULL),
    ("XI", "Ismara", "Ismaran", "Kagamura", "aurora", 74, 27, 6, "kelmoran", "", ["SILK"], "is", FULL),
    ("QR", "Rasheel", "Rasheeli", "Qasrad", "aurora", 43, 19, 11, "tarrani", "hub", ["STRAIT"], "ra", FULL),
    ("QS", "Selqara", "Selqari", "Marjahan", "aurora", 48, 27, 18, "tarrani", "", ["STRAIT"], "sq", SOME),
    ("QV", "Vashtan", "Vashtani", "Samaqah", "aurora", 62, 9, 19, "tarrani", "banned", [], "vs", NONE),
    ("QT", "Tamuri", "Tamurian", "Talabat", "aurora", 68, 18, 17, "tarrani", "", ["SILK"], "tm", TWO),
    ("QU", "Ulmara", "Ulmaran", "Jabalun", "aurora", 58, 25, 29, "tarrani", "", ["SILK"], "ul", NONE),
    ("QW", "Waheen", "Waheeni", "Wadiran", "aurora", 70, 7, 32, "tarrani", "", ["SILK"], "wh", NONE),
    ("XM", "Merrowin", "Merrowinian", "Penwarth", "meridia", -12, -6, 25, "orvalic", "", ["OCEAN"], "mw", SOME),
    ("XC", "Corvath", "Corvathi", "Costalba", "meridia", 2, -9, 28, "solmari", "", ["SOUTH"], "cv", TWO),
    ("XR", "Rhovane", "Rhovanian", "Salinara", "meridia", 14, -14, 31, "solmari", "", ["SOUTH"], "rh", NONE),
    ("XW", "Wendaria", "Wendarian", "Dunford", "meridia", -6, -17, 30, "orvalic", "", ["SOUTH"], "wd", TWO),
    ("XL", "Lumeria", "Lumerian", "Vela Nova", "meridia", 5, -22, 22, "solmari", "", ["SOUTH"], "lm", SOME),
    ("QZ", "Zarakeen", "Zarakeeni", "Rimazeen", "meridia", 20, -22, 34, "tarrani", "", ["SOUTH"], "zk", NONE),
    ("XQ", "Quessara", "Quessaran", "Farolim", "meridia", 11, -32, 33, "solmari", "", ["SOUTH"], "qs", NONE),
    ("XT", "Tarranis", "Tarrani", "Trecombe", "meridia", 20, -32, 27, "orvalic", "", ["SOUTH", "OCEAN"], "ta", TWO),
    ("XH", "Halcyra", "Halcyran", "Halcyon Roads", "halcyra", -29, 14, 16, "solmari", "hub", ["OCEAN"], "hc", FULL),
    ("XU", "Umbrel", "Umbrelian", "Umbra Quay", "umbrel", 38, -10, 21, "kelmoran", "hub", ["OCEAN"], "um",
     ["customs", "licensing", "port", "fiu"]),
    ("XZ", "Zephyra", "Zephyran", "Minabane", "zephyra", 64, -30, 26, "kelmoran", "banned", [], "zp", NONE),
    ("XX", "Xanthea", "Xanthean", "Xalamari", "xanthea", -34, -32, 36, "nahuari", "", ["WEST"], "xn", NONE),
    ("QM", "Marovia", "Marovian", "Inverdare", "hespera", -71, 42, 3, "orvalic", "", ["WEST", "OCEAN"], "mr", FULL),
    ("QO", "Orvallen", "Orvallian", "Kelldon", "hespera", -61, 39, 10, "orvalic", "", ["WEST", "OCEAN"], "ov", SOME),
    ("QN", "Nahuenta", "Nahuentan", "Tepecalco", "hespera", -66, 28, 15, "nahuari", "", ["WEST"], "nh", TWO),
    ("QX", "Xochimar", "Xochimari", "Huarimayo", "hespera", -57, 25, 35, "nahuari", "", ["WEST"], "xm", NONE),
    ("QP", "Pachanta", "Pachantan", "Qoripampa", "hespera", -62, 13, 37, "nahuari", "", ["WEST"], "pc", NONE),
    ("QQ", "Qorimar", "Qorimari", "Titizuma", "hespera", -51, 10, 38, "nahuari", "", ["WEST", "OCEAN"], "qr", NONE),
    ("QY", "Yupanta", "Yupantan", "Yanahuari", "hespera", -57, -4, 39, "nahuari", "", ["WEST"], "yp", NONE),
    ("XY", "Yselle", "Ysellian", "Izcotlan", "hespera", -55, -15, 40, "nahuari", "", ["WEST"], "ys", NONE),
]

# Names for ports beyond the capital, by culture.
PLACES = {
    "norvic": ["Brimstad", "Kvernes", "Skarhavn", "Myrstad", "Fossby", "Draugvik", "Ulvhavn", "Rimnes", "Storvaag"],
    "kelmoran": ["Stranhaven", "Hamukita", "Okarimo", "Sanbuto", "Tesharu", "Bonaminato", "Chikuhama", "Domasaki",
                 "Ekenohama", "Funotsu", "Inaberu"],
    "vellic": ["Kamen", "Rionara", "Khidari", "Zekvari", "Tsivgora", "Lagvari", "Nabadeli", "Oqroshi"],
    "orvalic": ["Trewick Haven", "Nantallan", "Strathmor", "Ormcombe", "Finnreach", "Rhudford", "Cadwharbour", "Llanmere",
                "Morwarth", "Kilcombe", "Hadloch", "Wendock", "Eryl Sound", "Brendare"],
    "solmari": ["Montesol", "Rivamera", "Portalba", "Dorazor", "Serrasol", "Calavesta", "Fontamar", "Girasol Bay",
                "Navalume", "Torralba", "Belvista Roads"],
    "tarrani": ["Dhofamir", "Bandarun", "Khalijan", "Ras Ajmad", "Mina Safir", "Qasrabat", "Nuradeen", "Tabalun",
                "Wahajir", "Yamashan"],
    "nahuari": ["Pachallan", "Acatico", "Ollampa", "Tulamar", "Xocoyaco", "Kallanara", "Inticala", "Mayuqen", "Nopalmar"],
}

# Locodes that sample data elsewhere uses already.
LOCODES = {"Port Solmark": "PSM"}
# Ports that a state has by name, after its capital.
FIXED = {"XN": ["Tallinder"], "XS": ["Marsa"], "XV": ["Kamen"]}

HOLIDAYS = {
    "norvic": ["01-01", "05-17", "12-25", "12-26"], "kelmoran": ["01-01", "01-02", "04-29", "11-03"],
    "vellic": ["01-01", "01-07", "05-26", "10-14"], "orvalic": ["01-01", "05-04", "08-31", "12-25", "12-26"],
    "solmari": ["01-01", "06-02", "08-15", "12-25"], "tarrani": ["01-01", "03-20", "05-27", "12-02"],
    "nahuari": ["01-01", "06-24", "09-16", "12-12"],
}

CARRIERS = [  # id, name, kind, prefix, weight; the first two letters of a prefix are its own
    ("SMOL", "Solmark Ocean Line", "ocean", "XSMU", 17), ("MVMC", "Marovia Maritime Company", "ocean", "XJMU", 15),
    ("ESKL", "Eskarra Container Line", "ocean", "XEKU", 14), ("KMCL", "Kelmora Cargo Lines", "ocean", "XKCU", 11),
    ("TIDE", "Tidewater Alliance", "ocean", "XWTU", 9), ("SILK", "Silk Coast Shipping", "ocean", "QKSU", 7),
    ("HALC", "Halcyon Transit Lines", "ocean", "QVHU", 6), ("VLLS", "Velland Lines", "ocean", "XVLU", 5),
    ("NVFL", "Norvia Feeder Line", "ocean", "XNVU", 4), ("LUME", "Lumeria Navigation", "ocean", "QJLU", 4),
    ("PACH", "Pachanta Coastal", "ocean", "QWPU", 3), ("UMBR", "Umbrel Island Lines", "ocean", "QZUU", 3),
    ("RASH", "Rasheel Gulf Feeders", "ocean", "JQRU", 2),
    ("KMCX", "Kelmora Cargo Air", "air", "XQAU", 30), ("ESKA", "Eskarra Air Freight", "air", "QXAU", 28),
    ("NVAX", "Norvia Air Freight", "air", "XAFU", 16), ("QRAC", "Qasrad Air Cargo", "air", "JXAU", 14),
    ("MVAF", "Marovian Airfreight", "air", "VXAU", 12),
    ("SMRF", "Solmark Road Freight", "road", "XRFU", 22), ("VLTR", "Velland Trans", "road", "XTRU", 24),
    ("BORT", "Borea Haulage", "road", "ZXRU", 20), ("SILR", "Silk Road Trucking", "road", "ZQRU", 18),
    ("WEST", "Hespera Overland", "road", "JZRU", 16),
]

# Trunk services: id, carrier, knots, TEU, ports by state and number of its port; every hub meets every other on one.
TRUNKS = [
    ("WORLD-1", "SMOL", 18.5, 14000, ["XE1", "XI1", "QR1", "XU1", "XL1", "XH1", "QM1", "XA1", "XV1", "XK1", "XS1",
                                        "XP1"]),
    ("WORLD-2", "MVMC", 18.0, 16000, ["QM1", "XH1", "XL1", "XU1", "QR1", "XI1", "XE1", "XP1", "XK1", "XV1", "XA1"]),
    ("ORIENT-1", "ESKL", 19.0, 21000, ["XE1", "XE2", "XI1", "XU1", "QR1", "XV1", "XK1"]),
    ("ORIENT-2", "ESKL", 18.5, 18000, ["XI1", "XE1", "QR1", "XP1", "XS1", "XN1"]),
    ("ORIENT-3", "TIDE", 17.5, 15000, ["XI2", "XE3", "XU1", "XM1", "XH1", "XF1", "XA2"]),
    ("OCEAN-1", "MVMC", 18.0, 13000, ["QM1", "QM2", "QO1", "XA1", "XK2", "XV1"]),
    ("OCEAN-2", "TIDE", 17.5, 11000, ["QO1", "QM2", "XH1", "XF1", "XA1", "XO1"]),
    ("OCEAN-3", "KMCL", 17.0, 9500, ["XK1", "XA2", "XF2", "QM3", "QN1", "XH1"]),
    ("CAPE-1", "SMOL", 17.0, 10500, ["XU1", "XT1", "XL1", "XH1", "QN1", "QM2"]),
    ("CAPE-2", "LUME", 16.0, 6200, ["XL1", "XT1", "XU1", "XI1", "QT1"]),
    ("SILK-1", "SILK", 17.0, 8400, ["XE2", "XI3", "QT1", "XU1", "QR1", "QS1", "XG1"]),
    ("STRAIT-1", "VLLS", 16.5, 6800, ["XV1", "XH1", "XM1", "XU1", "QR1"]),
]
# Carrier of the feeders of each hub.
FEEDERS = {"XV": "VLLS", "XP": "NVFL", "QR": "RASH", "XH": "HALC", "XU": "UMBR", "XE": "ESKL", "XI": "SILK",
           "QM": "PACH", "XK": "KMCL", "XA": "TIDE", "XL": "LUME"}
