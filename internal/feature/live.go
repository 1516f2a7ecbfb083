package feature

import (
	"time"

	"puenktlich/internal/rail"
)

// live makes the features that come from polled changes.
func live(group Group, at KnownAt) func(string, Unit, string, func(*input) float64) Feature {
	return func(name string, unit Unit, meaning string, value func(*input) float64) Feature {
		return Feature{name, unit, FromLive, at, group, meaning, value}
	}
}

func forecastFeatures() []Feature {
	own := live(GroupForecast, KnownPolled)
	return []Feature{
		own("forecast_delay", Minutes, "Its last forecast against the plan, negative when early; NaN without one.",
			func(in *input) float64 { return number(in.Own.DelayMinutes()) }),
		own("forecast_in", Minutes, "Time from the cut-off to the forecast event; NaN without a forecast.",
			func(in *input) float64 { return since(in.CutOff, in.Own.Changed) }),
		own("forecast_age", Minutes, "Time since the forecast took its present value; NaN without one.",
			func(in *input) float64 { return since(in.Own.ChangedSince, in.CutOff) }),
		own("forecast_trend_15", Minutes, "Forecast now less the one known 15 minutes ago; NaN without both.",
			func(in *input) float64 { return since(in.Changed15, in.Own.Changed) }),
		own("forecast_trend_30", Minutes, "The same against 30 minutes ago; NaN without both.",
			func(in *input) float64 { return since(in.Changed30, in.Own.Changed) }),
		own("forecast_trend_first", Minutes, "Forecast now less the first ever given; NaN without one.",
			func(in *input) float64 { return since(in.Own.FirstChanged, in.Own.Changed) }),
		own("forecast_count", Count, "Forecasts given so far, counting each alteration.",
			func(in *input) float64 { return float64(in.Own.Forecasts) }),
	}
}

// since is the minutes from a to b; NaN if one is not known.
func since(a, b time.Time) float64 {
	if a.IsZero() || b.IsZero() {
		return missing
	}
	return minutesBetween(a, b)
}

func messageFeatures() []Feature {
	own := live(GroupMessages, KnownPolled)
	return []Feature{
		own("cancelled", Flag, "The event is known to be cancelled.",
			func(in *input) float64 { return indicator(in.Own.Status == rail.StatusCancelled) }),
		own("reasons", Count, "Reasons of delay given and not revoked.",
			func(in *input) float64 { return float64(in.Own.Reasons) }),
		own("reason_age", Minutes, "Time since the newest reason was stated; NaN without one.",
			func(in *input) float64 { return since(in.Own.ReasonTime, in.CutOff) }),
		own("qualities", Count, "Quality messages known and not revoked.",
			func(in *input) float64 { return float64(in.Own.Qualities) }),
		own("disruptions", Count, "Disruption messages known and not revoked.",
			func(in *input) float64 { return float64(in.Own.Disruptions) }),
		own("platform_changed", Flag, "Another platform than the planned one is known.",
			func(in *input) float64 {
				return indicator(in.Own.Platform != "" && in.Own.Platform != in.Plan.Platform)
			}),
		own("path_change", Count, "Stops of the known changed path less the planned ones; 0 while none is known.", pathChange),
	}
}

func pathChange(in *input) float64 {
	if in.Own.Path == "" {
		return 0
	}
	return float64(countPath(in.Own.Path) - len(in.Plan.Path))
}

// countPath counts the stations of a path on the wire without taking it apart.
func countPath(path string) int {
	n := 1
	for i := range len(path) {
		if path[i] == '|' {
			n++
		}
	}
	return n
}

func otherFeatures() []Feature {
	other := live(GroupOther, KnownPolled)
	return []Feature{
		other("other_delay", Minutes, "Last forecast of the stop's other event against its plan; NaN without one.",
			func(in *input) float64 { return number(in.Other.DelayMinutes()) }),
		other("other_age", Minutes, "Time since that forecast took its present value; NaN without one.",
			func(in *input) float64 { return since(in.Other.ChangedSince, in.CutOff) }),
		other("other_cancelled", Flag, "The stop's other event is known to be cancelled.",
			func(in *input) float64 { return indicator(in.Other.Status == rail.StatusCancelled) }),
		other("ready_margin", Minutes, "For a departure, its planned time less the expected arrival of the train at this stop (or of the train set from its previous run): forecast, else planned; NaN if no such arrival is known.", readyMargin),
	}
}

// readyMargin is how long before its planned departure the train stands ready.
func readyMargin(in *input) float64 {
	if in.Plan.Kind != rail.Departure {
		return missing
	}
	arrival, status := expected(in.Other.Planned, in.Other.Changed), in.Other.Status
	if arrival.IsZero() {
		arrival, status = expected(in.PreviousRun.Planned, in.PreviousRun.Changed), in.PreviousRun.Status
	}
	if status == rail.StatusCancelled {
		return missing
	}
	return since(arrival, in.Plan.Planned)
}

func expected(planned, changed time.Time) time.Time {
	if changed.IsZero() {
		return planned
	}
	return changed
}

func tripFeatures() []Feature {
	trip := live(GroupTrip, KnownPolled)
	return []Feature{
		trip("upstream_delay", Minutes, "Delay at the nearest earlier stop of the trip with a known time; NaN without one.",
			func(in *input) float64 { return number(in.Upstream.DelayMinutes()) }),
		trip("upstream_stops", Count, "Stops from there to here; NaN without one.",
			func(in *input) float64 { return number(in.Upstream.StopsBetween, in.Upstream.Stop != "") }),
		trip("passed_delay", Minutes, "Delay at the nearest earlier stop whose known time has passed; NaN without one.",
			func(in *input) float64 { return number(in.Passed.DelayMinutes()) }),
		trip("passed_age", Minutes, "Time since the train was there; NaN without one.",
			func(in *input) float64 { return since(in.Passed.Changed, in.CutOff) }),
		trip("trip_cancelled", Share, "Cancelled among the other collected events of the trip; NaN without any.",
			func(in *input) float64 { return share(in.TripCancelled, in.TripEvents) }),
	}
}

func turnFeatures() []Feature {
	turn := live(GroupTurn, KnownPolled)
	return []Feature{
		turn("previous_run_delay", Minutes, "Delay of the arrival that brings the train set; NaN without a forecast or such a train.",
			func(in *input) float64 { return number(in.PreviousRun.DelayMinutes()) }),
		turn("turn_minutes", Minutes, "Planned time between that arrival and this departure; NaN without one.",
			func(in *input) float64 { return since(in.PreviousRun.Planned, in.Plan.Planned) }),
		turn("previous_run_cancelled", Flag, "That arrival is known to be cancelled.",
			func(in *input) float64 { return indicator(in.PreviousRun.Status == rail.StatusCancelled) }),
	}
}
