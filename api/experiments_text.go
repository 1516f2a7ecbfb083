package api

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/experiment"
	schema "puenktlich/schemas/clickhouse"
)

// experimentWords are the texts of the pages in one language.
type experimentWords struct {
	lang experiment.Language

	Title, Lead, OtherName, OtherCode, Board, Runs, None                                               string
	Model, Status, Dataset, Sort, Newest, Show, Any                                                    string
	Choose, Run, Started, Time, Memory, Who, Why, Compare, ChooseTwo, ChooseHint                       string
	Comparison, Different, Same, Nothing, Setting, Metric, Meaning, Best, Than, All, Data, MetricsHead string
	Record, Trained, Params, Environment, Artifacts, Key, State, Seed, Features                        string
	Code, Workflow, Algorithm, Ended, AsData, Drawings, LowerBetter, HigherBetter                      string
	Failed, Near, Domain                                                                               string
}

func experimentTexts(l experiment.Language) experimentWords {
	if l == experiment.German {
		return experimentWords{lang: l,
			Title: "Experimente", Lead: "Jeder Lauf ist ein Versuch, Verspätungen vorherzusagen: womit er gemacht wurde, wie gut er war, wer ihn warum angestoßen hat.",
			OtherName: "English", OtherCode: "en", Board: "zur Abfahrtstafel", Runs: "Läufe", None: "Kein Lauf passt dazu.",
			Model: "Modell", Status: "Zustand", Dataset: "Datensatz (Anfang der Nummer)", Sort: "Das Beste zuerst nach", Newest: "neueste zuerst", Show: "Zeigen", Any: "alle",
			Choose: "Wählen", Run: "Lauf", Started: "Begonnen", Time: "Rechenzeit", Memory: "Speicher", Who: "Wer", Why: "Warum", Compare: "Gewählte vergleichen",
			ChooseTwo: "Zum Vergleichen mindestens zwei verschiedene Läufe wählen.", ChooseHint: "Zwei bis sechs Läufe ankreuzen, dann vergleichen.",
			Comparison: "Läufe im Vergleich", Different: "Worin sie sich unterscheiden", Same: "Was gleich ist", Nothing: "In nichts, was aufgezeichnet ist.", Setting: "Angabe",
			Metric: "Maß", Meaning: "Bedeutung", All: "Alle Maße", Data: "Datensatz", MetricsHead: "Wie gut er war", Best: "am besten", Than: "gegenüber dem ersten",
			Record: "Aufzeichnung", Trained: "Trainiert auf", Params: "Parameter", Environment: "Umgebung", Artifacts: "Was er hinterließ", Key: "Schlüssel", State: "Da?",
			Seed: "Zufallszahl", Features: "Merkmale", Code: "Programm", Workflow: "Workflow", Algorithm: "Verfahren", Ended: "Beendet", AsData: "dasselbe als Daten (JSON)", Drawings: "Bilder",
			LowerBetter: "kleiner ist besser", HigherBetter: "größer ist besser", Failed: "Gescheitert", Near: "Gemeint sein könnte", Domain: "Zeit der beobachteten Bahn",
		}
	}
	return experimentWords{lang: l,
		Title: "Experiments", Lead: "Each run is one attempt at forecasting delays: what it was made with, how good it was, who started it and why.",
		OtherName: "Deutsch", OtherCode: "de", Board: "to the departure board", Runs: "Runs", None: "No run matches.",
		Model: "Model", Status: "State", Dataset: "Data set (beginning of its id)", Sort: "Best first by", Newest: "newest first", Show: "Show", Any: "any",
		Choose: "Choose", Run: "Run", Started: "Started", Time: "Computed for", Memory: "Memory", Who: "By", Why: "Because", Compare: "Compare those chosen",
		ChooseTwo: "Choose at least two different runs to compare.", ChooseHint: "Tick two to six runs, then compare.",
		Comparison: "Runs compared", Different: "What differs", Same: "What is the same", Nothing: "Nothing that is recorded.", Setting: "Setting",
		Metric: "Metric", Meaning: "Meaning", All: "All metrics", Data: "Data set", MetricsHead: "How good it was", Best: "best", Than: "against the first",
		Record: "Record", Trained: "Trained on", Params: "Parameters", Environment: "Environment", Artifacts: "What it left behind", Key: "Key", State: "There?",
		Seed: "Seed", Features: "Features", Code: "Code", Workflow: "Workflow", Algorithm: "Algorithm", Ended: "Ended", AsData: "the same as data (JSON)", Drawings: "Drawings",
		LowerBetter: "lower is better", HigherBetter: "higher is better", Failed: "Failed", Near: "What may be meant", Domain: "time of the railway that is watched",
	}
}

// Problem is the heading of an error's page.
func (w experimentWords) Problem(k Kind) string {
	german := map[Kind]string{KindInvalid: "So kann nicht gefragt werden", KindNotFound: "Das gibt es nicht", KindUnavailable: "Im Augenblick nicht verfügbar"}
	if text := german[k]; w.lang == experiment.German && text != "" {
		return text
	}
	return kinds[k].title
}

// StatusText says a state in words.
func (w experimentWords) StatusText(s schema.RunStatus) string {
	german := map[schema.RunStatus]string{schema.RunRunning: "läuft", schema.RunFinished: "fertig", schema.RunFailed: "gescheitert", schema.RunKilled: "abgebrochen"}
	if text := german[s]; w.lang == experiment.German && text != "" {
		return text
	}
	return string(s)
}

// StateText says whether an artefact is there.
func (w experimentWords) StateText(s experiment.ArtifactState) string {
	german := map[experiment.ArtifactState]string{experiment.ArtifactKept: "vorhanden", experiment.ArtifactGone: "fehlt", experiment.ArtifactUnknown: "unbekannt"}
	if text := german[s]; w.lang == experiment.German && text != "" {
		return text
	}
	return string(s)
}

// Number writes a value in the language's manner.
func (w experimentWords) Number(n experiment.Number) string { return w.local(experiment.Digits(n)) }

// Signed writes a difference with its sign.
func (w experimentWords) Signed(n experiment.Number) string {
	return strings.Replace(w.local(experiment.Signed(n)), "-", "−", 1)
}

func (w experimentWords) local(text string) string {
	if w.lang == experiment.German {
		return strings.Replace(text, ".", ",", 1)
	}
	return text
}

// Means says what a metric is, read from its name; empty where it is not known.
func (w experimentWords) Means(metric string) string {
	days, measure, minutes := experiment.Measure(metric)
	what, known := measureTexts()[measure]
	if !known {
		return ""
	}
	parts := []string{w.pick(what[0], what[1])}
	if text, found := dayTexts()[days]; found {
		parts = append(parts, w.pick(text[0], text[1]))
	}
	if minutes > 0 {
		parts = append(parts, fmt.Sprintf(w.pick("%d minutes before", "%d Minuten vorher"), minutes))
	}
	text := strings.Join(parts, ", ")
	switch {
	case experiment.Neutral(metric):
		return text
	case experiment.HigherIsBetter(metric):
		return text + "; " + w.HigherBetter
	}
	return text + "; " + w.LowerBetter
}

// dayTexts and measureTexts are in English and German.
func dayTexts() map[string][2]string {
	return map[string][2]string{
		"test": {"on test days", "auf Testtagen"}, "oof": {"on training days held back", "auf zurückgehaltenen Trainingstagen"},
		"valid": {"on days held back", "auf zurückgehaltenen Tagen"}, "train": {"on the days trained on", "auf den Trainingstagen selbst"},
	}
}

func measureTexts() map[string][2]string {
	return map[string][2]string{
		"brier":                        {"mean squared error of the probability", "mittlerer quadratischer Fehler der Wahrscheinlichkeit"},
		"log_loss":                     {"how surprising what happened was", "wie überraschend das Eingetretene war"},
		"auc":                          {"how well late and on time are told apart (one half is chance)", "wie gut verspätet und pünktlich getrennt werden (einhalb ist Zufall)"},
		"ece":                          {"mean gap between forecast and what happened", "mittlerer Abstand zwischen Vorhersage und Eingetretenem"},
		"accuracy":                     {"share of right calls at one half", "Anteil richtiger Urteile bei einhalb"},
		"skill":                        {"lead over the best baseline, as a share of its error", "Vorsprung vor der besten Vergleichsprognose, als Anteil an deren Fehler"},
		"skill_db_forecast":            {"lead over the railway's own forecast", "Vorsprung vor der Prognose der Bahn"},
		"skill_db_forecast_calibrated": {"lead over the railway's calibrated forecast", "Vorsprung vor der kalibrierten Prognose der Bahn"},
		"crps_minutes":                 {"error of the whole distribution of the delay, in minutes", "Fehler der ganzen Verteilung der Verspätung, in Minuten"},
		"mae_median_minutes":           {"mean error of the middle forecast, in minutes", "mittlerer Fehler der mittleren Vorhersage, in Minuten"},
		"sharpness":                    {"how undecided the probabilities are", "wie unentschieden die Wahrscheinlichkeiten sind"},
		"late_rate":                    {"share that was late", "Anteil, der verspätet war"},
		"cancelled_brier":              {"mean squared error of the chance of cancellation", "mittlerer quadratischer Fehler des Ausfallrisikos"},
		"rounds":                       {"trees grown one after another", "nacheinander gewachsene Bäume"},
		"events":                       {"arrivals and departures it was judged on", "Ankünfte und Abfahrten, an denen gemessen wurde"},
	}
}

func (w experimentWords) pick(english, german string) string {
	if w.lang == experiment.German {
		return german
	}
	return english
}

// Moment writes a time in UTC.
func (w experimentWords) Moment(t time.Time) string {
	return t.UTC().Format(w.pick("2 Jan 2006, 15:04 UTC", "02.01.2006, 15:04 UTC"))
}

// Seconds writes a duration.
func (w experimentWords) Seconds(s float64) string {
	switch {
	case s <= 0:
		return "–"
	case s < 60:
		return w.local(strconv.FormatFloat(s, 'f', 1, 64)) + "\u00a0s"
	}
	return fmt.Sprintf("%d:%02d\u00a0min", int(s)/60, int(s)%60)
}

// Bytes writes an amount of memory.
func (w experimentWords) Bytes(b uint64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%d\u00a0MiB", b>>20)
}

// experimentFuncs are what templates may call.
func experimentFuncs() template.FuncMap {
	return template.FuncMap{
		"short": experiment.Short,
		"args":  func(values ...any) []any { return values },
		// svg is markup that this program drew, with every text escaped.
		"svg": func(drawing []byte) template.HTML { return template.HTML(drawing) }, //nolint:gosec // see above
		"dash": func(s string) string {
			if s == "" {
				return "–"
			}
			return s
		},
	}
}
