package feature

import (
	"time"

	"puenktlich/internal/rail"
)

func scheduleFeatures() []Feature {
	plan := func(name string, unit Unit, meaning string, value func(*input) float64) Feature {
		return Feature{name, unit, FromPlan, KnownWithPlan, GroupSchedule, meaning, value}
	}
	class := func(c rail.TrainClass) func(*input) float64 {
		return func(in *input) float64 { return indicator(in.Plan.Train.Class == c) }
	}
	return []Feature{
		{"horizon", Minutes, FromCalendar, KnownWithPlan, GroupSchedule,
			"Time from the cut-off to the planned event.",
			func(in *input) float64 { return in.HorizonMinutes() }},
		plan("is_departure", Flag, "The event is a departure, not an arrival.",
			func(in *input) float64 { return indicator(in.Plan.Kind == rail.Departure) }),
		plan("is_long_distance", Flag, "Train class F.", class(rail.LongDistance)),
		plan("is_regional", Flag, "Train class N.", class(rail.Regional)),
		plan("is_suburban", Flag, "Train class S.", class(rail.Suburban)),
		plan("is_ice", Flag, "Train category ICE.",
			func(in *input) float64 { return indicator(in.Plan.Train.Category == "ICE") }),
		plan("stop_index", Count, "Position of the stop on the trip, from 1.",
			func(in *input) float64 { return float64(in.Plan.Index) }),
		plan("path_stops", Count, "Planned stops before this one (arrival) or after it (departure).",
			func(in *input) float64 { return float64(len(in.Plan.Path)) }),
		plan("trip_minutes", Minutes, "Planned time since the trip left its origin; NaN if the start is unreadable.", tripMinutes),
		plan("dwell", Minutes, "Planned stay at the stop; NaN where the trip begins or ends.", dwell),
	}
}

func tripMinutes(in *input) float64 {
	if in.TripStart.IsZero() {
		return missing
	}
	return minutesBetween(in.TripStart, in.Plan.Planned)
}

func dwell(in *input) float64 {
	if in.Other.Planned.IsZero() {
		return missing
	}
	if in.Plan.Kind == rail.Departure {
		return minutesBetween(in.Other.Planned, in.Plan.Planned)
	}
	return minutesBetween(in.Plan.Planned, in.Other.Planned)
}

// minutesBetween counts from a to b; both are known.
func minutesBetween(a, b time.Time) float64 {
	return float64(b.UnixMilli()-a.UnixMilli()) / float64(minute)
}
