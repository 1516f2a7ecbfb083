package modelpkg

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// card is CARD.md: what the model is for, how good it is and on how much
// evidence, where it ends, what its data may be used for.
func (c Contents) card() []byte {
	var b strings.Builder
	c.cardHead(&b)
	c.cardScores(&b)
	c.cardLimits(&b)
	c.cardOrigin(&b)
	return []byte(b.String())
}

func (c Contents) cardHead(b *strings.Builder) {
	fmt.Fprintf(b, "# %s@%d\n\nMade %s, feature version %s.\n\n", c.Name, c.Version, c.Created.UTC().Format(time.RFC3339), c.Artefact.FeatureVersion)
	fmt.Fprintf(b, "## Purpose\n\nTells a traveller how likely a train is on time. The unit is one arrival or departure of one trip at one station on one service day, forecast at a horizon, the time to the planned event.\n\n")
	fmt.Fprintf(b, "The model gives P(cancelled) and, given that the event runs, the distribution of its delay at the edges %v minutes. On time means a delay of %d minutes at most. Reasons and quantiles come from the same calibrated distribution.\n\n", c.Artefact.Edges, rail.LateMinutes-1)
	cancel := "boosted trees of its own"
	if len(c.Artefact.Cancel) == 0 {
		cancel = fmt.Sprintf("the rate %.4f of the training days, which had too few cancellations to learn from", c.Artefact.CancelRate)
	}
	fmt.Fprintf(b, "Method: boosted trees (XGBoost, %d rounds, depth %d) over %d features, calibrated by horizon on days not trained on. Cancellation: %s. Seed %d, run %s.\n\n",
		c.Trained.Rounds, c.Trained.Candidate.MaxDepth, len(c.Artefact.Features), cancel, c.Trained.Seed, orNone(c.Trained.RunID))
	c.cardRecalibration(b)
	fmt.Fprintf(b, "## Data\n\nTrained on %s (%d events), tested on %s (%d events, %d more without settled truth, left out), days half-open. Data set %s. Truth: %s.\n\n",
		c.Report.TrainDays, c.Report.TrainEvents, c.Report.TestDays, c.Report.TestEvents, c.Report.Unsettled, orNone(c.Report.Dataset), orNone(c.Report.Evidence))
}

// cardRecalibration says where the trees came from, if only the calibration is new.
func (c Contents) cardRecalibration(b *strings.Builder) {
	r := c.Trained.Recalibrated
	if r == nil {
		return
	}
	fmt.Fprintf(b, "Recalibrated: the trees of %s@%d, byte for byte, with a calibration (%s) fitted on %s (%d events), days after their training. The test days lie after the calibration days and share none with them. The baselines were fitted on the calibration days. Log loss on these days %.4f, with the former calibration %.4f.\n\n",
		r.From.Model, r.From.Version, r.Method, r.Days, r.Events, r.LogLossFitted, r.LogLossBefore)
}

func (c Contents) cardScores(b *strings.Builder) {
	fmt.Fprintf(b, "## Quality of P(late) on the test days\n\n")
	if len(c.Report.Horizons) == 0 {
		fmt.Fprintf(b, "Not evaluated.\n\n")
		return
	}
	fmt.Fprintf(b, "Brier score, smaller is better, beside the four baselines: the rate of late events, the rate by train category, the railway's own forecast (DB) as it stands, and the same calibrated. Skill is 1 - Brier / that of the best baseline.\n\n")
	fmt.Fprintf(b, "| horizon (min) | events | late | Brier | interval | rate | by category | DB forecast | DB calibrated | skill | best baseline | AUC | log loss | ECE | ECE band |\n|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|\n")
	for _, h := range c.Report.Horizons {
		fmt.Fprintf(b, "| %d | %d | %.1f %% | %.4f | %.4f to %.4f | %.4f | %.4f | %.4f | %.4f | %+.3f | %s | %s | %s | %.4f | %.4f |\n",
			h.Minutes, h.Events, 100*h.LateRate, h.Brier, h.BrierLow, h.BrierHigh,
			h.Baselines.Rate.Brier, h.Baselines.RateByCategory.Brier, h.Baselines.DBForecast.Brier, h.Baselines.DBForecastCalibrated.Brier,
			h.Skill, h.BestBaseline, figure(h.AUC), figure(h.LogLoss), h.ECE, h.ECEBand)
	}
	fmt.Fprintf(b, "\nIntervals: %s. ECE is over ten bins of equal mass; 95 %% of perfectly calibrated forecasts stay below the band.\n\n", orNone(c.Report.Interval))
	c.cardJudgement(b)
	c.cardCancelled(b)
}

// cardCancelled scores P(cancelled) beside a rate that nobody could have known.
func (c Contents) cardCancelled(b *strings.Builder) {
	x := c.Report.Cancelled
	calibration := "not calibrated"
	if h := c.Artefact.CancelCalibration; h != nil {
		calibration = "calibrated out of fold by the method " + string(h.Choice.Method)
	}
	if len(c.Artefact.Cancel) == 0 {
		calibration = "the rate of the training days"
	}
	fmt.Fprintf(b, "P(cancelled), %s: Brier %.5f beside %.5f of always saying the rate of the test days themselves, on %d events, %d of them cancelled, an hour before.\n\n", calibration, x.Brier, x.RateBrier, x.Events, x.Cancelled)
	if len(x.Horizons) == 0 {
		return
	}
	fmt.Fprintf(b, "| horizon (min) | events | cancelled | mean forecast | Brier | interval | skill against that rate | interval | AUC | ECE | ECE band |\n|---:|---:|---:|---:|---:|---|---:|---|---:|---:|---:|\n")
	for _, h := range x.Horizons {
		fmt.Fprintf(b, "| %d | %d | %d | %.4f | %s | %s to %s | %s | %s to %s | %s | %s | %.4f |\n", h.Minutes, h.Events, h.Cancelled, h.MeanForecast,
			figure(h.Brier.Value), figure(h.Brier.Low), figure(h.Brier.High), figure(h.SkillRate.Value), figure(h.SkillRate.Low), figure(h.SkillRate.High),
			figure(h.AUC.Value), figure(h.ECE.Value), h.ECEBand)
	}
	fmt.Fprintln(b)
}

// cardJudgement is what limits the figures, the worst slices, and the champion.
func (c Contents) cardJudgement(b *strings.Builder) {
	for _, note := range c.Report.Notes {
		fmt.Fprintf(b, "Note: %s.\n\n", note)
	}
	if len(c.Report.Worst) > 0 {
		fmt.Fprintf(b, "Least skill among the slices with enough events:\n\n")
		for _, slice := range c.Report.Worst {
			fmt.Fprintf(b, "- %s\n", slice)
		}
		fmt.Fprintln(b)
	}
	switch x := c.Report.Champion; {
	case x == nil:
	case x.Verdict == schemas.VerdictNotComparable:
		fmt.Fprintf(b, "Not compared with the champion %s@%d: %s.\n\n", x.Champion.Model, x.Champion.Version, x.Note)
	default:
		fmt.Fprintf(b, "Against the champion %s@%d on the same events: %s. Brier %.4f against %.4f, difference %s (95 %% %s to %s, %s within these days).\n\n", x.Champion.Model, x.Champion.Version, x.Verdict,
			x.Overall.Brier, x.Overall.ChampionBrier, figure(x.Overall.Difference.Value), figure(x.Overall.Difference.Low), figure(x.Overall.Difference.High), x.Overall.Within)
	}
}

func (c Contents) cardLimits(b *strings.Builder) {
	fmt.Fprintf(b, `## Limits

- The figures hold for the stations, days and horizons above. Other networks, seasons, works or strikes are not covered by them.
- Only events whose truth was observed are learned from and scored; what was never observed is not taken for punctual.
- A missing input is "not known" and costs sharpness; the forecast stays an answer about chances, never a promise about one train.
- Not for decisions about staff, and not for the safety of operations.

`)
}

func (c Contents) cardOrigin(b *strings.Builder) {
	fmt.Fprintf(b, "## Origin and licence of the data\n\n")
	for _, p := range origins(c.Provenance) {
		fmt.Fprintf(b, "- %s\n", provenanceLine(p.Provenance)+filesLine(p.files))
	}
	fmt.Fprintf(b, "\nThe packaged sample comes from the same data and stands under the same licence.\n\n")
	fmt.Fprintf(b, "## How to verify\n\n`puenktlich package verify DIR` checks every file against `%s` and the signature; `puenktlich package test DIR` loads the model as a server does and recomputes the golden rows. The digest of the package is `sha256sum %s`. `%s` is an OpenSSF Model Signing bundle, which other tools verify with the public key alone. From Python: `mlflow.pyfunc.load_model(DIR)`, with PYTHONDONTWRITEBYTECODE=1 so that no file is added.\n\nCode version: %s.\n",
		ManifestFile, ManifestFile, SignatureFile, orNone(c.CodeVersion))
}

// origin is a provenance and the files it is stated of.
type origin struct {
	schemas.Provenance
	files []string
}

// origins joins the files of which the same is stated.
func origins(all []schemas.Provenance) (out []origin) {
	for _, p := range all {
		at := slices.IndexFunc(out, func(s origin) bool { return s.Provenance == p.Statement() })
		if at < 0 {
			at, out = len(out), append(out, origin{Provenance: p.Statement()})
		}
		if p.File != "" {
			out[at].files = append(out[at].files, fmt.Sprintf("%s (SHA-256 %.12s)", p.File, p.SHA256))
		}
	}
	return out
}

// filesShown bounds the files a card names; provenance.json has them all.
const filesShown = 3

func filesLine(files []string) string {
	if len(files) == 0 {
		return ""
	}
	line := "; files " + strings.Join(files[:min(len(files), filesShown)], ", ")
	if len(files) > filesShown {
		line += fmt.Sprintf(" and %d more in `%s`", len(files)-filesShown, provenanceFile)
	}
	return line
}

func provenanceLine(p schemas.Provenance) string {
	line := p.Source + ": " + p.Licence
	if p.Attribution != "" {
		line += fmt.Sprintf(" (%q)", p.Attribution)
	}
	if p.Publisher != "" {
		line += "; published by " + p.Publisher
	}
	if p.URL != "" {
		line += " at " + p.URL
	}
	if !p.RetrievedAt.IsZero() {
		line += ", retrieved " + p.RetrievedAt.UTC().Format(time.RFC3339)
	}
	if p.Terms != "" {
		line += "; terms: " + p.Terms
	}
	if p.PersonalData {
		return line + "; holds personal data"
	}
	return line + "; no personal data"
}

// figure is a number that may not exist.
func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}

func orNone(text string) string {
	if text == "" {
		return "not stated"
	}
	return text
}
