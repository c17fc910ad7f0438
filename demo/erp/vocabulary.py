"""Words the demo's records are made of. Names are invented; towns and their postcodes exist, the streets are common."""

from __future__ import annotations

PRACTICES = (
    "Studio Dentistico",
    "Studio Odontoiatrico",
    "Centro Odontoiatrico",
    "Ambulatorio Dentistico",
    "Clinica Dentale",
    "Laboratorio Odontotecnico",
    "Odontoiatria",
    "Poliambulatorio",
)
PRACTICE_NAMES = (
    "Le Betulle",
    "Sorriso Azzurro",
    "Il Molino",
    "Fioralba",
    "Porta Nuova",
    "L'Arcobaleno",
    "Smalto & Avorio",
    "La Quercia",
    "Perla Bianca",
    "Dente di Leone",
    "Santa Apollonia",
    "Tre Torri",
    "Il Girasole",
    "Acquachiara",
    'del Borgo "Vecchio"',
    "Città Alta",
)
SURNAME_STARTS = ("Bel", "Monte", "Cam", "Fior", "Rocca", "Val", "Piano", "Torre", "Alba", "Castel", "Riva", "Sasso")
SURNAME_ENDS = ("vento", "lume", "verde", "mora", "fonte", "segna", "chiaro", "grande", "sole", "ponte", "neve")
PARTNERSHIPS = ("", "", "", "S.r.l.", "S.n.c.", "S.a.s.", "Associati", "S.T.P. a r.l.")
LONG_TAILS = (
    "Implantologia, Ortodonzia e Chirurgia Orale",
    "Società tra Professionisti a responsabilità limitata",
    "Centro di Odontoiatria Pediatrica e Gnatologia",
)
VERY_LONG_TAIL = (
    "Ambulatorio Polispecialistico di Odontoiatria, Igiene e Prevenzione Dentale, Società Cooperativa Sociale a r.l."
)

STREETS = (
    "Via Roma",
    "Corso Italia",
    "Piazza della Libertà",
    "Via G. Garibaldi",
    "Via Dante Alighieri",
    "Viale dei Tigli",
    "Via dell'Industria",
    "Vicolo San Niccolò",
    "Largo Europa",
    "Via XXV Aprile",
    "Strada Provinciale per il Lido",
    "Via T. Tasso",
)
LONG_STREET = "Strada Statale Adriatica Sud, Centro Direzionale Le Vele, Palazzina C, Scala B, Interno"
TOWNS = (
    ("00184", "Roma", "RM"),
    ("80134", "Napoli", "NA"),
    ("20121", "Milano", "MI"),
    ("10123", "Torino", "TO"),
    ("07100", "Sassari", "SS"),
    ("09124", "Cagliari", "CA"),
    ("70122", "Bari", "BA"),
    ("90133", "Palermo", "PA"),
    ("05100", "Terni", "TR"),
    ("06121", "Perugia", "PG"),
    ("01100", "Viterbo", "VT"),
    ("04019", "Terracina", "LT"),
    ("80078", "Pozzuoli", "NA"),
    ("84121", "Salerno", "SA"),
    ("47121", "Forlì", "FC"),
    ("39049", "Vipiteno - Sterzing", "BZ"),
    ("67100", "L'Aquila", "AQ"),
    ("63074", "San Benedetto del Tronto", "AP"),
    ("89013", "Gioia Tauro", "RC"),
    ("11013", "Courmayeur", "AO"),
)

ORDER_NOTES = (
    "Consegnare dopo le ore 15",
    "Ordine telefonico confermato dalla segreteria",
    "Materiale per congresso, urgente",
    "Campioni come da accordi con l'agente",
    "SOSTITUZIONE FRESE RESE, VEDERE COMUNICAZIONE DELL'AGENTE",
    "Offerta trimestrale 5+1",
)
ORIGINS = ("Agent", "Agent", "Concessionari K3", "Concessionari K1", "")
PAYMENT_TERMS = (
    "607 RI.BA. 60 GG. F.M.\nIT60X0542811101000000123456",
    "704 BONIFICO BANC. 30 GG. D.F.\nIT60X0542811101000000123456",
    "739 RIMESSA DIRETTA",
)
DELIVERY_TERMS = ("Spese trasporto carico destinatario", "")

PRODUCT_GROUPS = (
    ("110", "Frese in carburo di tungsteno", "FRESA CARB. TUNGSTENO"),
    ("120", "Frese diamantate", "STRUMENTO DIAMANTATO"),
    ("230", "Gommini e lucidatori", "LUCIDANTE IN SILICONE"),
    ("340", "Strumenti per chirurgia orale", "FRESA CHIRURGICA LINDEMANN"),
    ("410", "Endodonzia", "STRUMENTO CANALARE NI-TI"),
)
COURSE = ("900", "Corsi", "CORSO DI FORMAZIONE, UN GIORNO")
PRODUCT_REMARKS = (
    "",
    "",
    "",
    ", CONICA",
    ", GRANA FINE",
    ", A PALLINA, GAMBO LUNGO PER CONTRANGOLO, TAGLIO INCROCIATO",
)
SHANKS = ("314", "204", "104", "313")
SIZES = ("016", "010", "012", "014", "018", "021", "023", "025", "027", "031", "035", "040")
