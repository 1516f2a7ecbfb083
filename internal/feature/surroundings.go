package feature

func stationFeatures() []Feature {
	tick := live(GroupStation, KnownOnTick)
	late := func(t Traffic) float64 { return share(t.Late, t.Known) }
	mean := func(t Traffic) float64 { return share(t.DelaySumMinutes, t.Known) }
	cancelled := func(t Traffic) float64 { return share(t.Cancelled, t.Events) }
	return []Feature{
		tick("station_events", Count, "Events of the station planned in the hour before.",
			func(in *input) float64 { return float64(in.Station.Events) }),
		tick("station_late", Share, "Late among those with a forecast; NaN without any.",
			func(in *input) float64 { return late(in.Station) }),
		tick("station_delay", Minutes, "Their mean delay, each held within -10 and 60; NaN without any.",
			func(in *input) float64 { return mean(in.Station) }),
		tick("station_cancelled", Share, "Cancelled among the events of that hour; NaN without any.",
			func(in *input) float64 { return cancelled(in.Station) }),
		tick("ahead_late", Share, "Late among the station's events of the hour to come that have a forecast; NaN without any.",
			func(in *input) float64 { return late(in.Ahead) }),
		tick("line_delay", Minutes, "Mean delay in the hour before on the same line; NaN without a forecast.",
			func(in *input) float64 { return mean(in.Line) }),
		tick("line_late", Share, "Late on the same line in that hour; NaN without a forecast.",
			func(in *input) float64 { return late(in.Line) }),
		tick("line_cancelled", Share, "Cancelled on the same line in that hour; NaN without an event.",
			func(in *input) float64 { return cancelled(in.Line) }),
		tick("section_delay", Minutes, "Mean delay in the hour before to or from the same next station; NaN without a forecast.",
			func(in *input) float64 { return mean(in.Section) }),
	}
}

// historyFeatures gives the narrow rates as a difference to the category's: a
// level would be the same for all events of a day, and with few days a model
// would learn the days by it.
func historyFeatures() []Feature {
	history := func(name string, unit Unit, meaning string, value func(*input) float64) Feature {
		return Feature{name, unit, FromHistory, KnownYesterday, GroupHistory, meaning, value}
	}
	return []Feature{
		history("history_late_category", Share, "Late rate of category and kind, shrunk to the overall rate by 20 events; NaN without any earlier day.",
			func(in *input) float64 { return in.rates.category.late }),
		history("history_excess_line", Excess, "Late rate of line, station and kind, shrunk to the category's by 20 events, less the category's; NaN without any earlier day.",
			func(in *input) float64 { return in.rates.line.late - in.rates.category.late }),
		history("history_excess_train", Excess, "Late rate of category, number, station and kind, shrunk to the line's by 5 events, less the category's; NaN without any earlier day.",
			func(in *input) float64 { return in.rates.train.late - in.rates.category.late }),
		history("history_cancelled_line", Share, "Cancelled rate of line, station and kind, shrunk like its late rate; NaN without any earlier day.",
			func(in *input) float64 { return in.rates.line.cancelled }),
	}
}
