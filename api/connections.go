package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/naming"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/transfer"
	"puenktlich/schemas"
)

// Bounds of the times that a change may take.
const (
	defaultTransfers = "2,5,10"
	maxTransfers     = 20
	maxTransfer      = 120 // minutes
)

// connections is the resource of changes of trains.
type connections struct{ *forecasts }

// connection is the answer for one change.
type connection struct {
	Clock      moment           `json:"clock"`
	RequestID  string           `json:"request_id"`
	Arrival    serving.Forecast `json:"arrival"`
	Departure  serving.Forecast `json:"departure"`
	GapMinutes int              `json:"gap_minutes"` // planned
	PBothRun   float64          `json:"p_both_run"`
	Changes    []caught         `json:"changes"` // ascending by transfer time
	Dependence dependence       `json:"dependence"`
	Model      string           `json:"model"`
	Version    int              `json:"version"`
	Digest     string           `json:"digest"`
}

// caught is the chance that a change of so many minutes is caught. A train that is
// cancelled is not.
type caught struct {
	TransferMinutes int     `json:"transfer_minutes"`
	PCaught         float64 `json:"p_caught"`
	// Low and High are what the interval of the correlation makes of it; null where
	// none is used.
	Low          *float64 `json:"low"`
	High         *float64 `json:"high"`
	PIndependent float64  `json:"p_caught_independent"`
}

// dependence says how the two delays were taken to hang together, and how good that
// was on held-out days.
type dependence struct {
	// Correlation of the Gaussian copula that was used; 0 is independence.
	Correlation float64                 `json:"correlation"`
	Note        string                  `json:"note"`
	Evaluation  *schemas.TransferReport `json:"evaluation"` // null where the package has none
}

func (k *connections) get(c *gin.Context) error {
	clock := k.clock()
	minutes, err := transferTimes(c.Query("transfer"))
	if err != nil {
		return err
	}
	from, err := k.scene(c, clock)
	if err != nil {
		return err
	}
	arrival, departure, err := k.trains(c, from)
	if err != nil {
		return err
	}
	at, err := cutoff(from.known, c.Query("at"), clock.Now, arrival)
	if err != nil {
		return err
	}
	explain, err := parseExplain(c, false)
	if err != nil {
		return err
	}
	result, err := from.forecaster.Answer(serving.Request{ID: requestID(c), Events: []rail.EventKey{arrival.Key(), departure.Key()}, At: at, Explain: explain})
	if err != nil {
		return err
	}
	if len(result.Unknown) > 0 {
		unknown := arrival
		if result.Unknown[0] == departure.Key() {
			unknown = departure
		}
		return notNamedYet(unknown, at)
	}
	serverTiming(c, result.Timing)
	c.JSON(http.StatusOK, connect(clock, result, minutes))
	return nil
}

// trains finds the two events.
func (k *connections) trains(c *gin.Context, from scene) (arrival, departure *rail.PlannedEvent, err error) {
	for _, name := range []string{"from", "to"} {
		if c.Query(name) == "" {
			return nil, nil, invalid("%s is missing: name the train that arrives in from and the one that departs in to, by stop_id, or as trains such as ICE 592 with station", name)
		}
	}
	find := k.finder(from)
	side := func(name string, kind rail.EventKind) (*rail.PlannedEvent, error) {
		a := asked{Station: c.Query("station"), Train: c.Query(name), Date: c.Query("date"), Planned: c.Query(name + "_planned"), Event: string(kind), At: c.Query("at")}
		if _, err := rail.StopID(a.Train).Parse(); err == nil {
			a = asked{StopID: a.Train, Event: string(kind), At: a.At}
		}
		return find.event(a)
	}
	if arrival, err = side("from", rail.Arrival); err != nil {
		return nil, nil, err
	}
	if departure, err = side("to", rail.Departure); err != nil {
		return nil, nil, err
	}
	switch {
	case arrival.Trip == departure.Trip:
		return nil, nil, invalid("from and to are the same train, %s: there is nothing to change", naming.Describe(arrival))
	case departure.Planned.Before(arrival.Planned):
		return nil, nil, invalid("%s leaves before %s comes", naming.Describe(departure), naming.Describe(arrival))
	}
	return arrival, departure, nil
}

// transferTimes reads minutes apart by commas, ascending, each once.
func transferTimes(text string) ([]int, error) {
	if text == "" {
		text = defaultTransfers
	}
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		minutes, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || minutes < 0 || minutes > maxTransfer {
			return nil, invalid("transfer=%q: want whole minutes from 0 to %d, several apart by commas", text, maxTransfer)
		}
		all = append(all, minutes)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > maxTransfers {
		return nil, invalid("transfer has %d times: at most %d are answered", len(all), maxTransfers)
	}
	return all, nil
}

// connect puts two logged forecasts together.
func connect(clock moment, result serving.Result, minutes []int) connection {
	a, d, ref := result.Forecasts[0], result.Forecasts[1], result.Package.Ref
	answer := connection{Clock: clock, RequestID: result.RequestID, Arrival: a, Departure: d, GapMinutes: int(d.Planned.Sub(a.Planned) / time.Minute),
		PBothRun: (1 - a.PCancelled) * (1 - d.PCancelled), Model: ref.Model, Version: ref.Version, Digest: ref.Digest,
		Dependence: dependenceOf(result.Package.Report.Transfers, a.EVA == d.EVA)}
	arrival, departure := delayOf(a), delayOf(d)
	for _, m := range minutes {
		chance := func(correlation float64) float64 {
			return answer.PBothRun * transfer.Caught(arrival, departure, answer.GapMinutes-m, correlation)
		}
		row := caught{TransferMinutes: m, PCaught: chance(answer.Dependence.Correlation), PIndependent: chance(0)}
		if known := answer.Dependence.Evaluation; answer.Dependence.Correlation != 0 && known.Correlation.Low != nil && known.Correlation.High != nil {
			one, other := chance(*known.Correlation.Low), chance(*known.Correlation.High)
			low, high := min(one, other), max(one, other)
			row.Low, row.High = &low, &high
		}
		answer.Changes = append(answer.Changes, row)
	}
	return answer
}

// dependenceOf takes the package's correlation where it was found to be worth it.
func dependenceOf(report *schemas.TransferReport, oneStation bool) dependence {
	d := dependence{Evaluation: report}
	switch {
	case report == nil:
		d.Note = "independence is assumed: this package was evaluated without pairs of trains"
	case !report.Used || report.Correlation.Value == nil:
		d.Note = report.Note
	case !oneStation:
		d.Note = "independence is assumed: how delays hang together was estimated within one station"
	default:
		d.Correlation = *report.Correlation.Value
		d.Note = fmt.Sprintf("a Gaussian copula of %d pairs of %d days: %s", report.Pairs, report.Days, report.Note)
	}
	return d
}

func delayOf(f serving.Forecast) transfer.Delay {
	var d transfer.Delay
	for _, edge := range f.Cumulative {
		d.Edges, d.Cumulative = append(d.Edges, edge.EdgeMinutes), append(d.Cumulative, edge.P)
	}
	return d
}
