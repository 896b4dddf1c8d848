"""Name cultures: invented, pronounceable, nobody's. Parts in Latin letters; the script in which a culture
writes is a table of letters (spelling.toml), so that either form gives the other."""

W = str.split

CULTURES = {
    "norvic": dict(
        script="Latn", languages=["nrv"], letters=[],
        given=W("Aldre Bjarke Dagny Eirun Fenja Gisel Hakvar Idunn Jorvald Kettra Leidun Magnvor Njalva Oddrik "
                "Ravna Sigvar Torfinna Ulvar Vebra Yrsel Asmar Brynda Eskil Frode Grimla Halvora Ingvil Kolbra"),
        family=W("Aasdal Brakke Dyrvik Eikmo Fjordhus Gravnes Havdal Isfoss Jernvik Kvernmo Lindhus Myrdalen "
                 "Nesbrekk Ostvold Rognes Skarhaug Tindmo Ulvfoss Vardnes Yttervik Askemyr Bergsund Elvhaug Furunes "
                 "Granvold Holmfoss Kaldnes Langhus Mossvik Sundmo"),
        stems=W("Arkvik Borealt Brimvar Dalmar Draugen Eidfast Elvar Fjordal Fossvik Frostal Galdor Grantun "
                "Havnor Hvalen Isvar Jotvik Kaldmar Kjelvar Krakvik Lysvar Malmtun Midnor Morkfoss Nordhav Oksvar "
                "Orkfast Polvik Ramnor Rimfast Sagmar Skarvik Skeidar Solfoss Stalvik Storhav Strandar Svalvik "
                "Taigvar Tindar Torvik Trollfoss Ulvhav Utvar Valdhav Vardal Vestmar Vidnor Yggvar Ymerstal Ostfoss "
                "Bjelkar Dovrik Fagernor Gletvar Hornvik Kobbar Lofthav Mjolvik Raudnor Vinterhav"),
        suffixes=["AS", "ASA", "KS", "og Sonner", "Gruppen"],
        streets=["Havnegata", "Skolevei", "Fabrikkgata", "Fossveien", "Kongsgata", "Tollbodgata", "Bruveien",
                 "Verftsgata", "Lysthusveien", "Myrveien", "Torggata", "Strandveien"],
        cities=["Havenfjord", "Tallinder", "Brimstad", "Kvernes", "Ostervaag", "Skarhavn", "Myrstad", "Fossby"],
    ),
    "solmari": dict(
        script="Latn", languages=["slm"], letters=[],
        given=W("Amara Benilo Calessa Doriano Elvina Faustel Gianera Isalba Jorino Lucerna Marisel Nerio Ovidia "
                "Pelagio Quirela Rosalvo Serafel Tiziara Ugenio Valdera Zefiro Adelmo Brunela Corsino Dalmira "
                "Ermenio Fiorela Ginevro"),
        family=W("Almarosa Bonvento Cavaldri Doremare Estavio Falconeri Gravesol Isolani Lamberez Montaldo Navarisi "
                 "Olivaro Portasol Quintalba Rocavera Solimar Torvalba Ulmazzo Vallerone Zanetaro Aquilani Bellacosta "
                 "Corvasole Dragonera Fontaluz Grimalva Marvesi Pellandra Ribasol Serramar"),
        stems=W("Alborea Amarsol Aquilor Armavera Bellasol Brisamar Calamar Canavera Corallo Costalba Cristalor "
                "Dorasol Duravia Estelar Faromar Ferravia Fioralba Fontamar Galeasol Giralba Granavia Isolamar "
                "Lagosol Lucamar Lunavia Malvasol Marealta Marvela Meridor Mirasol Montalba Navalor Novasol Olivamar "
                "Orizor Palmavia Perlamar Pietrasol Portamar Primasol Quadralba Ramavia Rivasol Rocamar Salinor "
                "Serralba Sirocor Solvento Stellamar Tempravia Terramar Torresol Tramonar Valdesol Velamar Ventalba "
                "Vialuz Vitamar Zaffiror Zenalba"),
        suffixes=["S.p.S.", "Soc. Lda", "S.r.s.", "e Filhi", "Compania"],
        streets=["Via do Porto", "Rua Solana", "Corso Marinho", "Largo da Vela", "Via Mercante", "Rua do Farol",
                 "Viale Palmera", "Cais Novo", "Rua das Salinas", "Via Ferrera", "Praza Alta", "Calle Oliva"],
        cities=["Port Solmark", "Marsa", "Low Meadow", "Costalba", "Salinara", "Farolim", "Vela Nova", "Montesol"],
    ),
    "vellic": dict(
        script="Geor", languages=["vlk"],
        # Latin letters and their Georgian ones; two Latin letters go before one.
        letters=[["sh", "შ"], ["ch", "ჩ"], ["ts", "ც"], ["dz", "ძ"], ["zh", "ჟ"], ["gh", "ღ"], ["kh", "ხ"],
                 ["a", "ა"], ["b", "ბ"], ["g", "გ"], ["d", "დ"], ["e", "ე"], ["v", "ვ"], ["z", "ზ"], ["t", "თ"],
                 ["i", "ი"], ["k", "კ"], ["l", "ლ"], ["m", "მ"], ["n", "ნ"], ["o", "ო"], ["p", "პ"], ["r", "რ"],
                 ["s", "ს"], ["u", "უ"], ["q", "ყ"], ["j", "ჯ"], ["h", "ჰ"]],
        given=W("Aluda Barika Chabuka Dzalina Elguri Ghvinia Itsira Jandri Khatela Levshina Mzhela Nodzari Oqari "
                "Pirusha Qvareli Revazi Shukria Tsabuna Uchari Vardisa Zhuleta Baghora Darisha Gelkhani Kaloba "
                "Lashuri Marikha Tamazoli"),
        family=W("Abelishi Bardzani Chokhadi Dolidzeri Elizbari Gharchadi Iremkhani Jikhveli Kartsivi Lomtadeli "
                 "Machkhari Natsvali Orbezhani Pirtskheli Qoridze Rukhadeli Shavtseli Tsitskari Ushveri Vachnadeli "
                 "Zhordali Berulava Chitavari Datunari Ebralidi Gochadzi Kvantali Lekshari Metreveni Zarkuani"),
        stems=W("Alazori Arghuni Bazalti Bokhari Chanchari Chkheri Darbazi Dzelkva Eniseri Gantiadi Ghelari "
                "Gorvasi Imedari Ispani Jvarisi Kakhari Kamari Khidani Kolkhuri Krtsani Kvarli Lagvari Latpari "
                "Lochini Magnari Martkopi Mtsvari Mukhrani Nabadi Nakvari Nodiari Oqrosi Orbeti Pirveli Qazbani "
                "Rionari Rkinari Sachari Samgori Shavnabi Shukura Svaneti Tbeti Tetnari Tsivgora Tskhali Ubisari "
                "Urbneli Utsera Vardzari Vazari Velaki Vlistari Zarishi Zekari Zhinvari Zurmukhti Atskuri Dmaneti "
                "Khvamli"),
        suffixes=["SPS", "SS", "Kho", "Savachro", "da Dzmebi"],
        streets=["Navsadguri kucha", "Kolkhuri kucha", "Mtkvari kucha", "Bazari kucha", "Qazbani gamziri",
                 "Rkinari kucha", "Zghvari kucha", "Tsisperi kucha", "Mukhrani kucha", "Velaki gamziri",
                 "Shukura kucha", "Vazari kucha"],
        cities=["Vellgrad", "Kamen", "Rionara", "Khidari", "Zekari", "Mukhrani", "Tsivgora", "Lagvari"],
    ),
    "kelmoran": dict(
        script="Latn", languages=["kmr"], letters=[],
        given=W("Aneru Botuma Cheliko Darusha Emeki Fanoru Gesimo Hanuke Ikaro Jumeli Kanedo Limuri Mosaki Neruto "
                "Okimba Panuri Rikeso Sabune Tamoku Uneshi Vakiro Wenara Yosume Zanoki Bekuro Doshima Haruke Kisera"),
        family=W("Akamuro Bonagashi Chikuren Domashiro Ekenawa Funotari Gonshiko Hamukawa Inabero Jokumura Kagenori "
                 "Lumasato Mirohashi Nagubane Okorimo Paneshiro Ramukita Sanbukawa Tagomori Umesaki Wakorano Yanebuko "
                 "Zenokawa Arimbashi Daigoru Hokamune Kurosane Minabuto Tesharuki Yokamiro"),
        stems=W("Aikaro Akebon Amukor Banshiro Chokura Daikoru Denmako Ekobara Fujanor Fukarin Gendoru Hakumo "
                "Hikaren Hoshiran Ichobu Ikusan Jinkaro Kabuken Kaigora Kanshiro Kenzabu Kobaren Kogumo Komasen "
                "Kyorano Makoshi Marubane Meiko Mikaron Minaken Mitsubo Mizukor Nagaren Narubeki Nichoro Nobukan "
                "Okashin Ongaro Rakuden Reikoba Ryonaka Sakuren Sankoma Seishiro Shinaro Shobuken Sorakan Taikoru "
                "Takumen Tenbaro Tokaren Tomishin Toyoku Umikaro Wakoshi Yamaren Yobukan Yukishi Zaimoku Zenkaro"),
        suffixes=["K.K.", "Kaisho", "G.K.", "Kogyo", "Brothers"],
        streets=["Minato-dori", "Kawa-dori", "Eki-mae", "Kogyo-dori", "Sakura-dori", "Ume-cho", "Hama-cho",
                 "Ishi-dori", "Taka-cho", "Naka-dori", "Shio-cho", "Mori-dori"],
        cities=["Kelmor", "Stranhaven", "Kagamura", "Minabane", "Hamukita", "Okarimo", "Sanbuto", "Tesharu"],
    ),
}

# How names are spelt otherwise: for aliases (chosen on purpose) and for dirt (slips). `chance` is that a rule
# is tried on a name that is to be varied. Applied in this order, each to the first place that fits.
RULES = [
    dict(id="drop_legal_form", use="dirt", find="{suffix}", put="", chance=0.20),
    dict(id="legal_form_words", use="alias", find="AS", put="Aksjeselskap", chance=0.10),
    dict(id="legal_form_other", use="alias", find="{suffix}", put="Ltd", chance=0.15),
    dict(id="and_sign", use="dirt", find=" & ", put=" and ", chance=0.30),
    dict(id="hyphen", use="dirt", find="-", put=" ", chance=0.30),
    dict(id="join_words", use="dirt", find=" ", put="", chance=0.08),
    dict(id="initial", use="dirt", find="{given}", put="{initial}.", chance=0.20),
    dict(id="name_order", use="dirt", find="{given} {family}", put="{family}, {given}", chance=0.20),
    dict(id="double_letter", use="dirt", find="ll", put="l", chance=0.15),
    dict(id="c_k", use="alias", find="k", put="c", chance=0.10),
    dict(id="c_k_back", use="alias", find="c", put="k", chance=0.10),
    dict(id="kh_h", use="alias", find="kh", put="h", chance=0.20),
    dict(id="gh_g", use="alias", find="gh", put="g", chance=0.20),
    dict(id="ts_c", use="alias", find="ts", put="c", chance=0.15),
    dict(id="dz_z", use="alias", find="dz", put="z", chance=0.15),
    dict(id="v_w", use="alias", find="v", put="w", chance=0.12),
    dict(id="i_y", use="alias", find="i", put="y", chance=0.12),
    dict(id="o_u", use="alias", find="o", put="u", chance=0.08),
    dict(id="sh_sch", use="alias", find="sh", put="sch", chance=0.10),
    dict(id="swap_letters", use="dirt", find="{two letters}", put="{swapped}", chance=0.06),
    dict(id="lost_letter", use="dirt", find="{letter}", put="", chance=0.06),
    dict(id="letter_o_digit_0", use="dirt", find="O", put="0", chance=0.03),
    dict(id="upper_case", use="dirt", find="{all}", put="{upper}", chance=0.25),
    dict(id="trailing_dot", use="dirt", find="{end}", put=".", chance=0.05),
]
