package monitor

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"puenktlich/internal/rail"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// evidenceDays is how far back scores and drift are handed over.
const evidenceDays = 60

// HandOver puts together what a person needs who was not there: the verdict, the
// policy, the nights before, scores and drift of the last weeks, and the commands
// that go on from there. It answers the key of the archive.
func (a *Activities) HandOver(ctx context.Context, in schemas.MonitorInput, s schemas.Signals, v schemas.Verdict) (string, error) {
	book, err := a.book(in)
	if err != nil {
		return "", err
	}
	decided, err := a.gather(ctx, book, s)
	if err != nil {
		return "", err
	}
	policy, _, err := rulebook.Canonical(book)
	if err != nil {
		return "", err
	}
	query := schema.MonitorQuery{Model: s.Model, From: string(rail.Day(s.Day).Add(-evidenceDays)), Until: string(rail.Day(s.Day).Add(1)), AsOf: s.AsOf}
	scores, err := a.Store.Scores(ctx, query)
	if err != nil {
		return "", fmt.Errorf("evidence of %s: %w", s.Day, err)
	}
	drifts, err := a.Store.Drift(ctx, query)
	if err != nil {
		return "", fmt.Errorf("evidence of %s: %w", s.Day, err)
	}
	files := []file{{"README.md", []byte(guide(s, v))}, {"policy.json", []byte(policy)}, {"scores.csv", scoreTable(scores)}, {"drift.csv", driftTable(drifts)}}
	for _, part := range []struct {
		name string
		what any
	}{{"verdict.json", v}, {"signals.json", s}, {"nights.json", decided.Nights}} {
		body, err := json.MarshalIndent(part.what, "", "  ")
		if err != nil {
			return "", fmt.Errorf("evidence %s of %s: %w", part.name, s.Day, err)
		}
		files = append(files, file{part.name, body})
	}
	body, err := pack(files)
	if err != nil {
		return "", fmt.Errorf("evidence of %s: %w", s.Day, err)
	}
	key := schemas.EvidenceKey(s.Model, s.Day, verdictID(ctx))
	if err := a.Objects.Put(ctx, key, body); err != nil {
		return "", fmt.Errorf("evidence of %s: %w", s.Day, err)
	}
	return key, nil
}

// guide is the page to begin with.
func guide(s schemas.Signals, v schemas.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s@%d on %s: %s\n\nPackage `%s`. %d of %d forecasts have a truth. Policy %s, version %d (`%s`).\n\n",
		s.Model, s.Version, s.Day, v.Kind, s.Digest, s.Events, s.Predictions, v.Policy.Name, v.Policy.Version, v.Policy.SHA256)
	for _, reason := range v.Reasons {
		fmt.Fprintf(&b, "- %s\n", reason)
	}
	fmt.Fprintf(&b, "\n## Files\n\n`verdict.json` how each rule stands; `signals.json` the night's numbers; `nights.json` the nights before it, oldest first; "+
		"`policy.json` the policy as it was; `scores.csv` and `drift.csv` of the last %d days, every version.\n", evidenceDays)
	fmt.Fprintf(&b, "\n## Go on\n\n```sh\nbin/puenktlich verdicts explain %s        # the same verdict, decided again\nbin/puenktlich runs list                  # trainings, and what they were made of\nbin/puenktlich runs compare RUN RUN\n```\n", s.Day)
	return b.String()
}

func scoreTable(rows []schema.Score) []byte {
	return table([]string{"from_day", "until_day", "version", "role", "source", "horizon_minutes", "slice_kind", "slice", "metric", "value", "lower", "upper", "baseline", "baseline_value", "events"},
		rows, func(r schema.Score) []string {
			return []string{r.FromDay, r.UntilDay, strconv.Itoa(int(r.Version)), string(r.Role), string(r.Source), strconv.Itoa(int(r.HorizonMinutes)), r.SliceKind, r.Slice, r.Metric,
				decimal(r.Value), decimal(r.Lower), decimal(r.Upper), r.Baseline, decimal(r.BaselineValue), strconv.FormatUint(r.Events, 10)}
		})
}

func driftTable(rows []schema.Drift) []byte {
	return table([]string{"day", "version", "subject", "name", "statistic", "value", "threshold", "exceeded", "events", "reference"}, rows, func(r schema.Drift) []string {
		return []string{r.Day, strconv.Itoa(int(r.Version)), r.Subject, r.Name, r.Statistic, decimal(r.Value), decimal(r.Threshold), strconv.FormatBool(r.Exceeded),
			strconv.FormatUint(r.Events, 10), r.Reference}
	})
}

// decimal is empty for a figure that does not exist.
func decimal(v float64) string {
	if exists(v) == nil {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func table[R any](head []string, rows []R, cells func(R) []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(head) // into memory
	for _, row := range rows {
		_ = w.Write(cells(row))
	}
	w.Flush()
	return b.Bytes()
}

type file struct {
	name string
	body []byte
}

// pack makes an archive whose bytes depend on nothing but the files.
func pack(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		to, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(f.body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
