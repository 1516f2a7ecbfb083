package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/rail"
	"puenktlich/internal/scoring"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// scoresInput is what `scores` is asked.
type scoresInput struct {
	model, from, to, by, asOf, evidence string
	metrics                             []string
	daily, revisions, estimates         bool
}

// slicesBy are the words of --by and the kind of slice each means.
func slicesBy() map[string]string {
	return map[string]string{"all": scoring.SliceAll, "horizon": scoring.SliceAll, "product": scoring.SliceProduct, "station": scoring.SliceStation, "hour": scoring.SliceHour}
}

func scoresCommand(p program) *cobra.Command {
	var in scoresInput
	cmd := &cobra.Command{Use: "scores", Short: "how good the forecasts of past days were, by horizon, product, station or hour",
		Long: "Reads the scores that monitoring stored: of every version and role on settled truth, days put together. Intervals of fewer than ten days together do not exist; " +
			"those of one day speak of that day alone. --revisions shows what was believed when: late truth scores a day again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.scores(cmd.Context(), in) }}
	flags := cmd.Flags()
	flags.StringVar(&in.model, "model", schemas.DefaultModel, "name of the model")
	flags.StringVar(&in.from, "from", "", "first event day, YYYY-MM-DD; defaults to 28 days ago")
	flags.StringVar(&in.to, "to", "", "first event day after the range; defaults to today")
	flags.StringVar(&in.by, "by", "horizon", "all, horizon, product, station or hour")
	flags.StringVar(&in.asOf, "as-of", "", "a day or a moment of domain time: as it was known then")
	flags.StringVar(&in.evidence, "evidence", string(rail.ChangeObserved), "kind of evidence of the truth; kinds are never put together")
	flags.StringSliceVar(&in.metrics, "metrics", []string{"brier", "skill_db_forecast_calibrated", "ece", "auc"}, "metrics to show")
	flags.BoolVar(&in.daily, "daily", false, "a line for each day")
	flags.BoolVar(&in.revisions, "revisions", false, "a line for each time a day was scored")
	flags.BoolVar(&in.estimates, "estimates", false, "scores that were estimated before the truth, and their grades")
	return cmd
}

// query checks the flags.
func (in scoresInput) query(now time.Time) (schema.MonitorQuery, error) {
	q := schema.MonitorQuery{Model: in.model, From: cmp.Or(in.from, string(rail.DayOf(now).Add(-28))), Until: cmp.Or(in.to, string(rail.DayOf(now))), Metrics: in.metrics, Revisions: in.revisions}
	for flag, day := range map[string]string{"from": q.From, "to": q.Until} {
		if _, err := rail.ParseDay(day); err != nil {
			return q, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	if q.From >= q.Until {
		return q, fmt.Errorf("--from %s --to %s: the range is half-open, so --to must be after --from", q.From, q.Until)
	}
	kind, known := slicesBy()[in.by]
	if !known {
		return q, fmt.Errorf("--by %q: want all, horizon, product, station or hour", in.by)
	}
	q.Slices = []string{kind}
	if in.asOf == "" {
		return q, nil
	}
	if day, err := rail.ParseDay(in.asOf); err == nil {
		q.AsOf = day.Start()
		return q, nil
	}
	at, err := time.Parse(time.RFC3339, in.asOf)
	if err != nil {
		return q, fmt.Errorf("--as-of %q: want a day, YYYY-MM-DD, or a moment like 2024-11-01T10:00:00Z", in.asOf)
	}
	q.AsOf = at
	return q, nil
}

func (p program) scores(ctx context.Context, in scoresInput) error {
	c, clock, err := p.standalone()
	if err != nil {
		return err
	}
	q, err := in.query(clock.Now())
	if err != nil {
		return err
	}
	db, err := warehouse.Open(warehouse.Options{Addr: c.ClickHouseAddress, Database: c.ClickHouseDatabase, User: c.ClickHouseUser, Password: c.ClickHousePassword})
	if err != nil {
		return err
	}
	defer db.Close()
	q.DataSource = sourceName(c)
	if in.estimates {
		estimates, err := db.Estimates(ctx, q)
		if err != nil {
			return fmt.Errorf("scores: %w", err)
		}
		return printEstimates(p.out, estimates, q.DataSource)
	}
	daily, err := db.Scores(ctx, q)
	if err != nil {
		return fmt.Errorf("scores: %w", err)
	}
	return printScores(p.out, in.chosen(daily), in)
}

// chosen are the rows that were asked for, put together where no single days were.
func (in scoresInput) chosen(daily []schema.Score) []schema.Score {
	rows := slices.DeleteFunc(daily, func(s schema.Score) bool {
		return s.Evidence != in.evidence || s.UntilDay != string(rail.Day(s.FromDay).Add(1)) || in.by == "horizon" && s.HorizonMinutes == 0 || in.by == "all" && s.HorizonMinutes != 0
	})
	if in.daily || in.revisions {
		return rows
	}
	return scoring.Pool(rows)
}

// line is one row of the table: everything but the metrics.
type line struct {
	from, until, slice, version, role, scored string
	horizon                                   int32
	days                                      uint32
}

func printScores(out io.Writer, rows []schema.Score, in scoresInput) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintf(out, "no scores on evidence %s in these days: MonitorModel writes them\n", in.evidence)
		return err
	}
	at, lines, cells, blocks := map[line]int{}, []line{}, []map[string]schema.Score{}, map[string]bool{}
	for _, s := range rows {
		l := line{s.FromDay, s.UntilDay, s.Slice, strconv.Itoa(int(s.Version)), string(s.Role), "", s.HorizonMinutes, s.Days}
		if in.revisions {
			l.scored = s.ScoredAt.Format("2006-01-02 15:04")
		}
		i, found := at[l]
		if !found {
			i = len(lines)
			at[l], lines, cells = i, append(lines, l), append(cells, map[string]schema.Score{})
		}
		cells[i][s.Metric] = s
		if s.Blocks != "" {
			blocks[s.Blocks] = true
		}
	}
	t := grid{head: []string{"FROM", "UNTIL"}}
	t.number("DAYS")
	t.head = append(t.head, "VERSION", "ROLE")
	t.number(strings.ToUpper(in.by))
	t.number("EVENTS")
	for _, m := range in.metrics {
		t.number(strings.ToUpper(m))
	}
	if in.revisions {
		t.head = append(t.head, "SCORED AT (UTC)")
	}
	for i, l := range lines {
		row := []string{l.from, l.until, strconv.Itoa(int(l.days)), l.version, l.role, cmp.Or(l.slice, horizonName(l.horizon)), eventsOf(cells[i])}
		for _, m := range in.metrics {
			row = append(row, scoreCell(cells[i], m))
		}
		if in.revisions {
			row = append(row, l.scored)
		}
		t.rows = append(t.rows, row)
	}
	if err := t.write(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\non events with evidence %s; in brackets 95 %% intervals", in.evidence)
	if len(blocks) == 1 {
		for over := range blocks {
			fmt.Fprintf(out, " over %s", over)
		}
	}
	fmt.Fprintln(out)
	return nil
}

func horizonName(minutes int32) string {
	if minutes == 0 {
		return "all"
	}
	return fmt.Sprintf("%d min", minutes)
}

func eventsOf(cells map[string]schema.Score) string {
	most := uint64(0)
	for _, s := range cells {
		most = max(most, s.Events)
	}
	return strconv.FormatUint(most, 10)
}

func scoreCell(cells map[string]schema.Score, metric string) string {
	s, found := cells[metric]
	switch {
	case !found || math.IsNaN(s.Value):
		return "-"
	case math.IsNaN(s.Lower):
		return fmt.Sprintf("%.4f", s.Value)
	}
	return fmt.Sprintf("%.4f [%.4f, %.4f]", s.Value, s.Lower, s.Upper)
}

func printEstimates(out io.Writer, estimates []schema.Estimate, source string) error {
	t := grid{head: []string{"DAY", "HORIZON", "METRIC", "MADE AT (UTC)"}}
	for _, head := range []string{"ESTIMATE", "FORECASTS", "OF THE GRADED", "ON TRUTH", "GRADED"} {
		t.number(head)
	}
	figure := func(v float64) string {
		if math.IsNaN(v) {
			return "-"
		}
		return fmt.Sprintf("%.4f", v)
	}
	for _, e := range estimates {
		if e.DataSource == source {
			t.rows = append(t.rows, []string{e.Day, horizonName(e.HorizonMinutes), e.Metric, e.MadeAt.Format("2006-01-02 15:04"), figure(e.Estimate), strconv.FormatUint(e.Forecasts, 10),
				figure(e.Expected), figure(e.Realized), strconv.FormatUint(e.Graded, 10)})
		}
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(out, "no estimates in these days: MonitorModel writes them, with {\"light\": true} for the running day")
		return err
	}
	return t.write(out)
}
