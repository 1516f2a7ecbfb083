package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/experiment"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Experiments is what is recorded of training runs.
type Experiments interface {
	List(ctx context.Context, f experiment.Filter) (experiment.Listing, error)
	Show(ctx context.Context, ids ...string) ([]experiment.Record, error)
	Draw(ctx context.Context, records []experiment.Record, l experiment.Language) []experiment.Drawing
}

// Bounds of what one request reads.
const (
	defaultRuns   = 100
	maxRuns       = 20_000
	maxCompared   = 6 // as many as drawings have colours
	recordsWithin = 15 * time.Second
)

// runs is the resource of experiment runs.
type runs struct{ experiments Experiments }

// filters are the query parameters of a list.
func filters() []string {
	return []string{"model", "status", "dataset", "since", "sort", "reverse", "limit", "metrics"}
}

func (r *runs) list(c *gin.Context) error {
	listing, err := r.read(c)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listing)
	return nil
}

// read is the list that a request asks for.
func (r *runs) read(c *gin.Context) (experiment.Listing, error) {
	f, err := filter(c.Query)
	if err != nil {
		return experiment.Listing{}, err
	}
	ctx, done, err := r.within(c)
	defer done()
	if err != nil {
		return experiment.Listing{}, err
	}
	listing, err := r.experiments.List(ctx, f)
	return listing, explain(err)
}

func statuses() []schema.RunStatus {
	return []schema.RunStatus{schema.RunRunning, schema.RunFinished, schema.RunFailed, schema.RunKilled}
}

func filter(query func(string) string) (experiment.Filter, error) {
	f := experiment.Filter{Model: query("model"), Status: schema.RunStatus(query("status")), Dataset: query("dataset"), Sort: query("sort"), Limit: defaultRuns}
	if f.Status != "" && !slices.Contains(statuses(), f.Status) {
		e := invalid("status %q is none of those runs have", f.Status)
		for _, status := range statuses() {
			e.Accepted = append(e.Accepted, string(status))
		}
		return f, e
	}
	var err error
	if f.Since, err = since(query("since")); err != nil {
		return f, err
	}
	if text := query("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > maxRuns {
			return f, invalid("limit %q: give a number from 1 to %d", text, maxRuns)
		}
	}
	if text := query("reverse"); text != "" {
		if f.Reverse, err = strconv.ParseBool(text); err != nil {
			return f, invalid("reverse %q: give true or false", text)
		}
	}
	if text := query("metrics"); text != "" {
		f.Metrics = strings.Split(text, ",")
	}
	return f, nil
}

// since reads a day, which begins at midnight German time, or a moment.
func since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := rail.ParseDay(text); err == nil {
		return day.Start(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, invalid("since %q is no day (YYYY-MM-DD) and no moment (2024-11-01T10:00:00Z)", text)
	}
	return at, nil
}

func (r *runs) get(c *gin.Context) error {
	records, err := r.records(c, []string{c.Param("id")})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, records[0])
	return nil
}

func (r *runs) compare(c *gin.Context) error {
	records, err := r.records(c, strings.Split(c.Query("ids"), ","))
	if err != nil {
		return err
	}
	if len(records) < 2 {
		return invalid("ids names fewer than two different runs; give them as ids=A,B")
	}
	c.JSON(http.StatusOK, experiment.Compare(records))
	return nil
}

// records reads runs by their ids or the beginnings of them.
func (r *runs) records(c *gin.Context, ids []string) ([]experiment.Record, error) {
	if len(ids) > maxCompared {
		return nil, invalid("%d runs are asked for; at most %d can be compared", len(ids), maxCompared)
	}
	ctx, done, err := r.within(c)
	defer done()
	if err != nil {
		return nil, err
	}
	records, err := r.experiments.Show(ctx, ids...)
	return records, explain(err)
}

// within bounds how long a request waits for a store that does not answer.
func (r *runs) within(c *gin.Context) (context.Context, context.CancelFunc, error) {
	ctx, done := context.WithTimeout(c.Request.Context(), recordsWithin)
	if r.experiments == nil {
		return ctx, done, unavailable("no record of experiments is kept for this instance")
	}
	return ctx, done, nil
}

// explain turns errors of the record into ones for the caller.
func explain(err error) error {
	var unknown *experiment.UnknownRunError
	var ambiguous *experiment.AmbiguousRunError
	var metric *experiment.UnknownMetricError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return &Error{Kind: KindNotFound, Detail: unknown.Sentence(), Near: matches(unknown.Near)}
	case errors.As(err, &ambiguous):
		return &Error{Kind: KindInvalid, Detail: ambiguous.Error(), Near: matches(ambiguous.Matches)}
	case errors.As(err, &metric):
		return &Error{Kind: KindInvalid, Detail: metric.Error(), Accepted: metric.Known}
	case errors.Is(err, experiment.ErrUnavailable):
		return unavailable("%v; forecasts are served all the same", experiment.ErrUnavailable)
	}
	return err
}

func matches(runs []experiment.Named) []Match {
	all := make([]Match, len(runs))
	for i, run := range runs {
		all[i] = Match(run)
	}
	return all
}
