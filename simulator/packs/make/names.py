"""Name cultures: invented, pronounceable, nobody's.

Stems of firms' names and families are heads and tails put together; the rest is listed. All in Latin letters: the
script in which a culture writes is a table of letters (spelling.toml), so that either form gives the other.
"""

W = str.split


def joined(heads, tails, most):
    """Heads with tails, every head once before any comes again; doubled letters at the seam are dropped."""
    heads, tails = W(heads), W(tails)
    found = []
    for turn in range(len(tails)):
        for place, head in enumerate(heads):
            tail = tails[(place + turn) % len(tails)]
            word = head + (tail[1:] if head[-1] == tail[0] else tail)
            if word not in found:
                found.append(word)
    return found[:most]


# Latin letters and their Georgian ones; two Latin letters go before one.
GEORGIAN = [
    ["sh", "შ"], ["ch", "ჩ"], ["ts", "ც"], ["dz", "ძ"], ["zh", "ჟ"], ["gh", "ღ"], ["kh", "ხ"],
    ["a", "ა"], ["b", "ბ"], ["g", "გ"], ["d", "დ"], ["e", "ე"], ["v", "ვ"], ["z", "ზ"], ["t", "თ"],
    ["i", "ი"], ["k", "კ"], ["l", "ლ"], ["m", "მ"], ["n", "ნ"], ["o", "ო"], ["p", "პ"], ["r", "რ"],
    ["s", "ს"], ["u", "უ"], ["q", "ყ"], ["j", "ჯ"], ["h", "ჰ"],
]

# Arabic letters, and Persian, Urdu, Pashto and Uyghur ones, stand for sounds of a made-up language.
ARABIC = [
    ["ch", "چ"], ["sh", "ش"], ["th", "ث"], ["kh", "خ"], ["gh", "غ"],
    ["a", "ا"], ["b", "ب"], ["c", "ص"], ["d", "د"], ["e", "ع"], ["f", "ف"], ["g", "گ"], ["h", "ه"], ["i", "ي"], ["j", "ج"],
    ["k", "ك"], ["l", "ل"], ["m", "م"], ["n", "ن"], ["o", "و"], ["p", "پ"], ["q", "ق"], ["r", "ر"], ["s", "س"], ["t", "ت"],
    ["u", "ؤ"], ["v", "ڤ"], ["w", "ۋ"], ["x", "ظ"], ["y", "ئ"], ["z", "ز"],
]


def katakana():
    """Syllables and their katakana; a letter that is left over goes into a wide Latin one."""
    rows = {
        "": "ア イ ウ エ オ", "k": "カ キ ク ケ コ", "g": "ガ ギ グ ゲ ゴ", "s": "サ スィ ス セ ソ", "z": "ザ ズィ ズ ゼ ゾ",
        "t": "タ ティ トゥ テ ト", "d": "ダ ディ ドゥ デ ド", "n": "ナ ニ ヌ ネ ノ", "h": "ハ ヒ - ヘ ホ", "b": "バ ビ ブ ベ ボ",
        "p": "パ ピ プ ペ ポ", "m": "マ ミ ム メ モ", "y": "ヤ - ユ イェ ヨ", "r": "ラ リ ル レ ロ", "w": "ワ ウィ - ウェ ウォ",
        "f": "ファ フィ フ フェ フォ", "v": "ヴァ ヴィ ヴ ヴェ ヴォ", "sh": "シャ シ シュ シェ ショ",
        "ch": "チャ チ チュ チェ チョ", "j": "ジャ ジ ジュ ジェ ジョ", "ts": "ツァ ツィ ツ ツェ ツォ",
    }
    pairs = [[head + vowel, kana] for head, row in rows.items() for vowel, kana in zip("aiueo", W(row)) if kana != "-"]
    pairs += [[head + "y" + vowel, dict(pairs)[head + "i"] + small]
              for head in W("k g n h b p m r") for vowel, small in zip("auo", "ャュョ")]
    pairs += [["n", "ン"]] + [[letter, chr(ord(letter) - ord("a") + ord("ａ"))] for letter in "bcdfghjklmpqrstvwxyz"]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


CULTURES = {
    "norvic": dict(
        script="Latn", languages=["nrv"], letters=[],
        given=W("Aldre Bjarke Dagny Eirun Fenja Gisel Hakvar Idunn Jorvald Kettra Leidun Magnvor Njalva Oddrik "
                "Ravna Sigvar Torfinna Ulvar Vebra Yrsel Asmar Brynda Eskil Frode Grimla Halvora Ingvil Kolbra"),
        family=joined("Aas Brak Dyr Eik Fjell Grav Hav Isfor Jern Kvern Lind Myr Nes Oster Rog Skar Tind Ulv Vard Ytter",
                      "dal vik mo hus nes foss brekk vold haug sund", 110),
        stems=joined("Ark Bor Brim Dal Drau Eid Elv Fjor Frost Gal Grant Hav Hval Jot Kald Krak Lys Malm Mid Mork Pol Ram "
                     "Rim Sag Skar Skei Stal Stor Sval Tai Tind Trol Ulv Vald Vest Vint Ygg Ymer Raud Fager",
                     "vik nor foss mar dar fast tun var haven glet", 160),
        suffixes=["AS", "ASA", "KS", "og Sonner", "Gruppen"],
        streets=["Havnegata", "Skolevei", "Fabrikkgata", "Fossveien", "Kongsgata", "Tollbodgata", "Bruveien",
                 "Verftsgata", "Lysthusveien", "Myrveien", "Torggata", "Strandveien"],
        cities=["Havenfjord", "Tallinder", "Brimstad", "Kvernes", "Ostervaag", "Skarhavn", "Myrstad", "Fossby"],
    ),
    "solmari": dict(
        script="Arab", languages=["slm"], letters=ARABIC,
        given=W("Amara Benilo Calessa Doriano Elvina Faustel Gianera Isalba Jorino Lucerna Marisel Nerio Ovidia "
                "Pelagio Quirela Rosalvo Serafel Tiziara Ugenio Valdera Zefiro Adelmo Brunela Corsino Dalmira "
                "Ermenio Fiorela Ginevro"),
        family=joined("Alma Bel Caval Dore Esta Falco Grave Isol Lamba Mont Nava Oliv Porta Quint Roca Soli Torva Ulma "
                      "Vall Zane", "rosa vento dri mare rani sole lini berez taldo risi varo gosta", 110),
        stems=joined("Albo Amar Aqui Bella Brisa Cala Cana Cora Costa Crista Dora Ferra Fiora Fonta Galea Gira Grana "
                     "Lago Luca Luna Malva Merla Mira Monta Nava Oliva Palma Perla Pietra Porta Quadra Riva Roca "
                     "Sali Serra Stella Tempra Torre Trama Vela",
                     "rea lor mera sol via nor dine lume zor vesta", 160),
        suffixes=["S.p.S.", "Soc. Lda", "S.r.s.", "e Filhi", "Compania"],
        streets=["Via do Porto", "Rua Solana", "Corso Marinho", "Largo da Vela", "Via Mercante", "Rua do Farol",
                 "Viale Palmera", "Cais Novo", "Rua das Salinas", "Via Ferrera", "Praza Alta", "Calle Oliva"],
        cities=["Port Solmark", "Marsa", "Low Meadow", "Costalba", "Salinara", "Farolim", "Vela Nova", "Montesol"],
    ),
    "vellic": dict(
        script="Geor", languages=["vlk"], letters=GEORGIAN,
        given=W("Aluda Barika Chabuka Dzalina Elguri Ghvinia Itsira Jandri Khatela Levshina Mzhela Nodzari Oqari "
                "Pirusha Qvarela Revazhi Shukria Tsabuna Uchari Vardisa Zhuleta Baghora Darisha Gelkhani Kaloba "
                "Lashuri Marikha Tamazoli"),
        family=joined("Abel Bardz Chokh Doldz Elizb Gharch Iremkh Jikhv Karts Lomt Machkh Natsv Orbezh Pirtskh Qor Rukh "
                      "Shavts Tsitsk Ushv Vachn", "ishi ani adi eri ari iveli adeli uri oni", 110),
        stems=joined("Alaz Argh Baz Bokh Chanch Chkh Darb Dzel En Gant Ghel Gorv Imed Isp Jvar Kakh Kam Khid Kolkh Krts "
                     "Kvart Lagv Latp Loch Magn Martk Mtsv Mukhv Nab Nakv Nod Oqr Qazb Rkin Sach Shavn Shuk Tetn Tsivg "
                     "Zekv", "ari uni eli ori anti isi uri adi vani", 160),
        suffixes=["SPS", "SS", "Kho", "Savachro", "da Dzmebi"],
        streets=["Navsadguri kucha", "Kolkhuni kucha", "Mtvirali kucha", "Bazari kucha", "Qazbari gamziri",
                 "Rkinari kucha", "Zghvari kucha", "Tsisperi kucha", "Mukhveli kucha", "Velaki gamziri",
                 "Shukuri kucha", "Vazhari kucha"],
        cities=["Vellgrad", "Kamen", "Rionara", "Khidari", "Zekvari", "Mukhveli", "Tsivgora", "Lagvari"],
    ),
    "kelmoran": dict(
        script="Kana", languages=["kmr"], letters=katakana(),
        given=W("Aneru Botuma Cheliko Darusha Emeki Fanoru Gesimo Hanuke Ikaro Jumeli Kanedo Limuri Mosaki Neruto "
                "Okimba Panuri Rikeso Sabune Tamoku Uneshi Vakiro Wenara Yosume Zanoki Bekuro Doshima Haruke Kisera"),
        family=joined("Aka Bona Chiku Doma Eke Funo Gon Hamu Ina Joku Kage Luma Miro Nagu Oko Pane Ramu San Tago Ume",
                      "muro gashi ren shiro nawa tari hiko kawa bero nori sato rimo", 110),
        stems=joined("Ai Ake Amu Ban Cho Dai Den Eko Fuja Fuka Gen Haku Hika Hoshi Icho Iku Jin Kabu Kai Ken Koba Kogu "
                     "Kyo Maki Maru Mei Mina Naga Nobu Oka Raku Rei Ryo Saku San Sora Tai Ume Waka Yobu",
                     "karo bon kor shiro ramo zabu ren goba tani moku", 160),
        suffixes=["K.K.", "Kaisho", "G.K.", "Kogyo", "Brothers"],
        streets=["Minato-dori", "Kawa-dori", "Eki-mae", "Kogyo-dori", "Sakura-dori", "Ume-cho", "Hama-cho",
                 "Ishi-dori", "Taka-cho", "Naka-dori", "Shio-cho", "Mori-dori"],
        cities=["Kelmor", "Stranhaven", "Kagamura", "Minabane", "Hamukita", "Okarimo", "Sanbuto", "Tesharu"],
    ),
    "tarrani": dict(
        script="Latn", languages=["trr"], letters=[],
        given=W("Azmira Barukh Daliman Eshira Faruma Ghazina Hadun Ilmara Jahira Karuf Lamisha Mazin Nadiru Omaya "
                "Qadara Rashun Samira Tariqel Umaria Wasifa Yazmun Zahira Basmun Dhakira Hamzur Khalira Munaya Sulmir"),
        family=joined("al-Bar al-Das el-Far Ghaz al-Ham Ibra Jal Khar al-Mad Nas el-Qad Rash as-Sal Tam al-Waz Yas az-Zar Mub",
                      "ruf hani mar quri diya shun wani zir laqi badi", 110),
        stems=joined("Ajma Bara Dara Dhofa Fara Ghada Hama Jaba Jawa Kana Kha Lama Maja Mana Marja Nafa Naji Nura Qama "
                     "Qasra Raha Rima Sada Sama Shara Suha Taba Tala Wadi Waha Yama Zahra Zara Safa Basa Duna Ruma "
                     "Faja Hila Lula", "dir ran qah lun mir zeen bat shan nur far", 160),
        suffixes=["FZ-Co", "WLL", "and Sons", "Est.", "Trading House"],
        streets=["Sharia al-Mina", "Corniche East", "Souk Road", "Gate Street", "Sharia al-Bahr", "Palm Road",
                 "Free Zone Avenue", "Sharia al-Nakhl", "Pearl Street", "Caravan Road", "Old Harbour Road", "Salt Road"],
        cities=["Qasrad", "Marjahan", "Wadiran", "Samaqah", "Talabat", "Jabalun", "Rimazeen", "Dhofamir"],
    ),
    "orvalic": dict(
        script="Latn", languages=["orv"], letters=[],
        given=W("Aeronwy Bedwin Cariad Dewmor Elunar Fferyl Gwendra Hafgan Iolwen Keira Lowri Maelor Nesta Owenna "
                "Prydar Rhosyn Siorwen Tegwyn Urien Wynfor Ysella Arthmael Brannoc Corvana Derwen Eryl Gethwin Morwenna"),
        family=joined("Aber Bren Cadw Dun Eryl Fenn Glan Had Inver Kell Llan Mor Nant Orm Pen Rhud Strath Tre Wen Kil",
                      "warth don mor allan ford wick dare nock loch ridge combe", 110),
        stems=joined("Alder Ash Black Bracken Bright Cairn Calder Castle Clear Copper Crane Dunmor Elder Falcon Fern Flint "
                     "Gran Grey Harbour Hazel Heron High Iron Kestrel Lark Long Marl Meadow North Oak Raven Red Silver "
                     "Stone Swan Thorn Tide West White Winter",
                     "mere holt combe wick ford gate march croft reach well", 160),
        suffixes=["Ltd", "plc", "LLP", "& Co", "Partners"],
        streets=["Harbour Street", "Mill Lane", "Station Road", "Customs Row", "Kiln Street", "Church Hill",
                 "Foundry Road", "Quay Street", "Orchard Way", "Weaver Lane", "Signal Hill", "Market Square"],
        cities=["Aberwick", "Glanmor", "Kelldon", "Penwarth", "Inverdare", "Nantallan", "Dunford", "Trecombe"],
    ),
    "nahuari": dict(
        script="Latn", languages=["nah"], letters=[],
        given=W("Atlani Cuyali Eztali Huamar Itzel Killari Maitzin Nayeli Ollin Qoyari Sacnila Tlalia Urpina Xochira "
                "Yaretzi Zyanya Amaru Chaska Illari Kuntur Mayua Nenet Paccha Rumiq Sumaq Tupaq Wayra Yupan"),
        family=joined("Acol Ana Chal Coya Cuzc Huan Izta Kani Mapa Nopal Oca Pacha Qori Quil Tama Tecu Titi Tlax Xala Yana",
                      "tepec huari mayo calco quisa tlan pampa llanca rimac zuma", 110),
        stems=joined("Aca Ama Anca Apu Ayma Cale Chas Coa Colla Cua Cusi Huay Hui Illa Inti Itza Kalla Killa Lla Maca "
                     "Maxi Mayu Moche Nahu Nazo Ollan Paca Pakal Puma Qhapa Rima Sacha Suma Taki Tepa Tika Tula Xoco "
                     "Yacu Zapo", "tlan huara mari qen lapa zul tico yaco nara pampa", 160),
        suffixes=["S.A.N.", "Cia. Nal.", "Hermanua", "Corp. N.", "y Casa"],
        streets=["Calle Maiz", "Avenida Condora", "Calle Plata", "Paseo Obsidia", "Calle Quinoa", "Avenida Lago",
                 "Calle Piedra", "Camino Real Viejo", "Calle Cacao", "Avenida Jaguara", "Calle Aduana", "Calle Volcan"],
        cities=["Tepecalco", "Huarimayo", "Izcotlan", "Qoripampa", "Titizuma", "Xalamari", "Yanahuari", "Pachallan"],
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
