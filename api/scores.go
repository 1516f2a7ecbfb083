package api

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Bounds of what is read of how forecasts did.
const (
	scoreDays          = 30 // days of scores, unless others are asked for
	maxScoreDays       = 400
	reliabilityDays    = 14              // settled days behind the sentence on honesty
	reliabilityHorizon = 30              // minutes before, at which that is counted
	reliabilityEvery   = 5 * time.Minute // wall time between two counts
	maxAlerts          = 100
)

// judgement is the resource of how forecasts did and what is wrong.
type judgement struct {
	model      string
	dataSource string
	record     Record
	now        Clock

	mu      sync.Mutex
	counted time.Time // wall time of the last count
	kept    *reliability
}

// scoresAnswer is what monitoring wrote, and what the panel's forecasts came to.
type scoresAnswer struct {
	Model       string       `json:"model"`
	From        string       `json:"from"`
	Until       string       `json:"until"` // not included
	Scores      []scoreRow   `json:"scores"`
	Reliability *reliability `json:"reliability"` // null while nothing has settled
}

// scoreRow is one figure; null is one that does not exist or was not estimated.
type scoreRow struct {
	Version        uint32    `json:"version"`
	Role           string    `json:"role"`
	Source         string    `json:"source"`
	Evidence       string    `json:"evidence"`
	From           string    `json:"from"`
	Until          string    `json:"until"`
	HorizonMinutes *int32    `json:"horizon_minutes"` // null: all
	SliceKind      string    `json:"slice_kind,omitempty"`
	Slice          string    `json:"slice,omitempty"`
	Metric         string    `json:"metric"`
	Value          *float64  `json:"value"`
	Low            *float64  `json:"low"`
	High           *float64  `json:"high"`
	Baseline       string    `json:"baseline,omitempty"`
	BaselineValue  *float64  `json:"baseline_value"`
	Events         uint64    `json:"events"`
	Days           uint32    `json:"days"`
	ScoredAt       time.Time `json:"scored_at"`
}

// reliability says how often trains were on time that were called so likely.
type reliability struct {
	From           string           `json:"from"`  // first event day
	Until          string           `json:"until"` // the day after the last
	HorizonMinutes int32            `json:"horizon_minutes"`
	Events         uint64           `json:"events"`
	Days           uint32           `json:"days"`
	Bins           []reliabilityBin `json:"bins"`
}

// reliabilityBin is the forecasts that called P(on time) the same tenth.
type reliabilityBin struct {
	Called       float64 `json:"called"` // 0.8: from 0.75 to below 0.85
	MeanForecast float64 `json:"mean_forecast"`
	Events       uint64  `json:"events"`
	OnTime       uint64  `json:"on_time"`
}

func (j *judgement) scores(c *gin.Context) error {
	if c.Param("name") != j.model {
		return noModel(c.Param("name"), j.model)
	}
	q, err := j.span(c)
	if err != nil {
		return err
	}
	metric, sliced := c.Query("metric"), c.Query("slices")
	if sliced != "" && sliced != "true" && sliced != "false" {
		return invalid("slices=%q: want true or false", sliced)
	}
	if j.record == nil {
		return unavailable("scores cannot be read from this instance: it has no store")
	}
	rows, err := j.record.Scores(c.Request.Context(), q)
	answer := scoresAnswer{Model: j.model, From: q.From, Until: q.Until, Scores: []scoreRow{}}
	if err == nil {
		answer.Reliability, err = j.reliability(c)
	}
	if err != nil {
		_ = c.Error(err)
		return unavailable("scores cannot be read at the moment; forecasts go on")
	}
	for _, s := range rows {
		if s.DataSource == j.dataSource && (metric == "" || metric == s.Metric) && (sliced == "true" || s.SliceKind == "") {
			answer.Scores = append(answer.Scores, describeScore(s))
		}
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// span reads the days, half-open; the last thirty where none are given.
func (j *judgement) span(c *gin.Context) (schema.MonitorQuery, error) {
	now := j.now.Now()
	until := rail.DayOf(now).Add(1)
	from := until.Add(-scoreDays)
	for name, day := range map[string]*rail.Day{"from": &from, "until": &until} {
		if text := c.Query(name); text != "" {
			parsed, err := rail.ParseDay(text)
			if err != nil {
				return schema.MonitorQuery{}, invalid("%s=%q: want a day, YYYY-MM-DD", name, text)
			}
			*day = parsed
		}
	}
	if from >= until || from < until.Add(-maxScoreDays) {
		return schema.MonitorQuery{}, invalid("from=%s to until=%s: want from before until, %d days at most", from, until, maxScoreDays)
	}
	return schema.MonitorQuery{Model: j.model, From: string(from), Until: string(until), AsOf: now}, nil
}

func describeScore(s schema.Score) scoreRow {
	row := scoreRow{Version: s.Version, Role: string(s.Role), Source: string(s.Source), Evidence: s.Evidence, From: s.FromDay, Until: s.UntilDay,
		SliceKind: s.SliceKind, Slice: s.Slice, Metric: s.Metric, Value: number(s.Value), Low: number(s.Lower), High: number(s.Upper),
		Baseline: s.Baseline, BaselineValue: number(s.BaselineValue), Events: s.Events, Days: s.Days, ScoredAt: s.ScoredAt.In(rail.Berlin)}
	if s.HorizonMinutes != 0 {
		row.HorizonMinutes = &s.HorizonMinutes
	}
	return row
}

// reliability is counted from the panel now and then: it reads every forecast of
// two weeks.
func (j *judgement) reliability(c *gin.Context) (*reliability, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if time.Since(j.counted) < reliabilityEvery {
		return j.kept, nil
	}
	today := rail.DayOf(j.now.Now())
	r := reliability{HorizonMinutes: reliabilityHorizon, Bins: []reliabilityBin{}}
	bins, err := j.record.Reliability(c.Request.Context(), schema.ReliabilityQuery{Model: j.model, DataSource: j.dataSource,
		From: string(today.Add(-reliabilityDays)), Until: string(today.Add(1)), HorizonMinutes: r.HorizonMinutes})
	if err != nil {
		return nil, err
	}
	for i, b := range bins {
		if until := string(rail.Day(b.Last).Add(1)); i == 0 || until > r.Until {
			r.Until = until
		}
		if i == 0 || b.First < r.From {
			r.From = b.First
		}
		r.Events, r.Days = r.Events+b.Events, max(r.Days, b.Days)
		r.Bins = append(r.Bins, reliabilityBin{float64(b.Tenth) / 10, b.MeanForecast, b.Events, b.OnTime})
	}
	j.counted, j.kept = time.Now(), nil
	if r.Events > 0 {
		j.kept = &r
	}
	return j.kept, nil
}

// alertsAnswer lists alerts, newest first.
type alertsAnswer struct {
	Alerts []alertRow `json:"alerts"`
}

type alertRow struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Subject    string          `json:"subject"`
	Severity   string          `json:"severity"`
	State      string          `json:"state"`
	Summary    string          `json:"summary"`
	Details    json.RawMessage `json:"details"`
	WorkflowID string          `json:"workflow_id,omitempty"`
	RaisedAt   time.Time       `json:"raised_at"`
	ResolvedAt *time.Time      `json:"resolved_at"`
}

func (j *judgement) alerts(c *gin.Context) error {
	state := schema.AlertFiring
	switch text := c.Query("state"); text {
	case "", string(schema.AlertFiring):
	case string(schema.AlertResolved):
		state = schema.AlertResolved
	case "all":
		state = ""
	default:
		e := invalid("state=%q: want firing, resolved or all", text)
		e.Accepted = []string{string(schema.AlertFiring), string(schema.AlertResolved), "all"}
		return e
	}
	if j.record == nil {
		return unavailable("alerts cannot be read from this instance: it has no store")
	}
	found, err := j.record.Alerts(c.Request.Context(), state, maxAlerts)
	if err != nil {
		_ = c.Error(err)
		return unavailable("alerts cannot be read at the moment; forecasts go on")
	}
	answer := alertsAnswer{Alerts: []alertRow{}}
	for _, a := range found {
		answer.Alerts = append(answer.Alerts, describeAlert(a))
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

func describeAlert(a schema.Alert) alertRow {
	row := alertRow{ID: a.AlertID, Name: a.Name, Subject: a.Subject, Severity: a.Severity, State: string(a.State), Summary: a.Summary,
		Details: json.RawMessage("{}"), WorkflowID: a.WorkflowID, RaisedAt: a.RaisedAt.In(rail.Berlin)}
	if json.Valid([]byte(a.Details)) {
		row.Details = json.RawMessage(a.Details)
	}
	if !a.ResolvedAt.IsZero() {
		resolved := a.ResolvedAt.In(rail.Berlin)
		row.ResolvedAt = &resolved
	}
	return row
}
