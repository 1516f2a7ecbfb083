package api

import (
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
)

// Bounds of one call for many forecasts.
const (
	maxEvents     = 1000
	maxBatchBytes = 1 << 20
)

// batchRequest is the body of a call for many forecasts.
type batchRequest struct {
	Events  []asked `json:"events"`
	Explain bool    `json:"explain"`
}

// batch is the answer to it: one answer an event, in the order asked.
type batch struct {
	Clock          moment        `json:"clock"`
	RequestID      string        `json:"request_id"`
	Model          string        `json:"model"`
	Version        int           `json:"version"`
	Digest         string        `json:"digest"`
	DataAgeSeconds *float64      `json:"data_age_seconds"`
	Answers        []batchAnswer `json:"answers"`
}

// batchAnswer has one of the two.
type batchAnswer struct {
	Forecast *serving.Forecast `json:"forecast,omitempty"`
	Problem  *problem          `json:"problem,omitempty"`
}

func (f *forecasts) post(c *gin.Context) error {
	var in batchRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	if n := len(in.Events); n == 0 || n > maxEvents {
		return invalid("%d events: give 1 to %d in events", n, maxEvents)
	}
	if !f.live.Ready() {
		return errNotFilled
	}
	clock := f.clock()
	answers := make([]batchAnswer, len(in.Events))
	request, at := f.resolve(c, clock, in, answers)
	callOf(c).asks()
	result, err := f.forecaster.Answer(request)
	if err != nil {
		return err
	}
	for i := range result.Forecasts {
		answers[at[result.Index[i]]].Forecast = &result.Forecasts[i]
	}
	for i, event := range at {
		if answers[event].Forecast == nil {
			plan, _ := f.live.Plan(request.Events[i])
			answers[event].Problem = problemOf(c, notKnown(plan, request, i))
		}
	}
	serverTiming(c, result.Timing)
	ref := result.Package.Ref
	around := batch{Clock: clock, RequestID: result.RequestID, Model: ref.Model, Version: ref.Version, Digest: ref.Digest,
		DataAgeSeconds: serving.AgeSeconds(result.DataAge)}
	return write(c, func(body []byte) ([]byte, error) {
		return appendList(body, around, len(answers), func(body []byte, i int) ([]byte, error) { return answers[i].appendJSON(body) })
	})
}

func (a batchAnswer) appendJSON(body []byte) ([]byte, error) {
	if a.Forecast == nil {
		problem, err := json.Marshal(a)
		return append(body, problem...), err
	}
	body, err := a.Forecast.AppendJSON(append(body, `{"forecast":`...))
	return append(body, '}'), err
}

// notKnown says why there is no forecast of the i-th event of a request. Its plan
// may have been forgotten meanwhile.
func notKnown(plan *rail.PlannedEvent, r serving.Request, i int) *Error {
	if plan == nil {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("%s is in the timetable that is held no more", r.Events[i])}
	}
	return notNamedYet(plan, r.CutOffs[i])
}

// resolve finds the events that can be forecast, and which of those asked for each
// is. The others get their problem.
func (f *forecasts) resolve(c *gin.Context, clock moment, in batchRequest, answers []batchAnswer) (r serving.Request, at []int) {
	find := f.finder(f.present(clock))
	r = serving.Request{ID: requestID(c), At: clock.Now, Explain: in.Explain}
	for i, a := range in.Events {
		plan, err := find.event(a)
		if err != nil {
			answers[i].Problem = problemOf(c, err)
			continue
		}
		moment, err := cutoff(f.live, a.At, clock.Now, plan)
		if err != nil {
			answers[i].Problem = problemOf(c, err)
			continue
		}
		if f.past != nil && moment.Before(f.live.From()) {
			answers[i].Problem = problemOf(c, heldBack(f.live, moment))
			continue
		}
		r.Events, r.CutOffs, at = append(r.Events, plan.Key()), append(r.CutOffs, moment), append(at, i)
	}
	return r, at
}
