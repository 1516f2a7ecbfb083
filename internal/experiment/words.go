package experiment

// Language is one that drawings speak.
type Language string

// Languages of drawings.
const (
	English Language = "en"
	German  Language = "de"
)

// words are all texts of the drawings. gone takes what, run and key, away what
// and run, broken what, run and error, none run and what, the others the run.
type words struct {
	learning, round                 string
	reliability, forecast, happened string
	pooled                          string
	roc, alarms, hits               string
	skill, horizon, skillAxis       string
	importance, byGain, bySplits    string
	gone, away, broken, none        string
	notSteps, oneClass              string
	outOfFold, learned, evaluation  string
}

func (l Language) words() words {
	if l == German {
		return words{
			learning: "Lernkurve", round: "Runde",
			reliability: "Zuverlässigkeit der Wahrscheinlichkeiten", forecast: "vorhergesagte Wahrscheinlichkeit einer Verspätung", happened: "Anteil, der verspätet war",
			pooled: "Vor der Kalibrierung, alle Horizonte, Tage, die nicht im Training lagen; zehn gleich große Gruppen. Auf der gestrichelten Linie stimmt die Wahrscheinlichkeit.",
			roc:    "Trennschärfe (ROC)", alarms: "Anteil der Pünktlichen, die als verspätet gelten", hits: "Anteil der Verspäteten, die erkannt werden",
			skill: "Vorsprung vor der besten Vergleichsprognose", horizon: "Minuten vor der planmäßigen Zeit", skillAxis: "Vorsprung im Brier-Maß",
			importance: "Woran das Modell sich hält", byGain: "Anteil am Gewinn aller Verzweigungen", bySplits: "Anteil an allen Verzweigungen",
			gone:   "%s von Lauf %s (%s) gibt es nicht mehr; `puenktlich runs reproduce %[2]s` stellt den Lauf neu her",
			away:   "%s von Lauf %s lassen sich nicht lesen: der Objektspeicher antwortet nicht",
			broken: "%s von Lauf %s sind unbrauchbar: %v", none: "Lauf %s hat keine %s",
			notSteps: "Lauf %s hat kein Maß je Runde", oneClass: "Lauf %s: alle Ereignisse gingen gleich aus",
			outOfFold: "Vorhersagen ungesehener Trainingstage", learned: "gelernten Bäume", evaluation: "Auswertungen auf Testtagen",
		}
	}
	return words{
		learning: "Learning curves", round: "round",
		reliability: "Reliability of the probabilities", forecast: "forecast probability of a delay", happened: "share that was late",
		pooled: "Before calibration, all horizons, training days held back; ten groups of equal size. On the dashed line the probability is right.",
		roc:    "Discrimination (ROC)", alarms: "share of those on time that are called late", hits: "share of the late that are found",
		skill: "Skill against the best baseline", horizon: "minutes before the planned time", skillAxis: "skill, Brier score",
		importance: "What the model goes by", byGain: "share of the gain of all splits", bySplits: "share of all splits",
		gone:   "the %s of run %s (%s) are gone; `puenktlich runs reproduce %[2]s` makes the run again",
		away:   "the %s of run %s cannot be read: the object store does not answer",
		broken: "the %s of run %s cannot be used: %v", none: "run %s has no %s",
		notSteps: "run %s has no metric by round", oneClass: "run %s: all events had the same outcome",
		outOfFold: "out-of-fold predictions", learned: "learned trees", evaluation: "scores on test days",
	}
}
