package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/config"
	"puenktlich/internal/feature"
	"puenktlich/internal/naming"
	"puenktlich/internal/rail"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// whyInput is what `why` is asked.
type whyInput struct {
	train, station, date, planned, event string
	asJSON                               bool
}

func whyCommand(p program) *cobra.Command {
	var in whyInput
	cmd := &cobra.Command{Use: "why TRAIN STATION", Short: "how the forecast of a train moved, beside the railway's own, and how it ended",
		Example: "  puenktlich why 'ICE 592' 'Frankfurt(Main)Hbf' --date 2024-10-29", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.train, in.station = args[0], args[1]
			return p.why(cmd.Context(), in)
		}}
	cmd.Flags().StringVar(&in.date, "date", "", "German day of the planned time, YYYY-MM-DD; defaults to today")
	cmd.Flags().StringVar(&in.planned, "planned", "", "HH:MM in German local time, to tell the trains of a line apart")
	cmd.Flags().StringVar(&in.event, "event", "", "arrival or departure; defaults to the departure where the train has one")
	cmd.Flags().BoolVar(&in.asJSON, "json", false, "write JSON")
	return cmd
}

// story is the forecasts of one event and its end.
type story struct {
	Station   rail.Station `json:"station"`
	StopID    rail.StopID  `json:"stop_id"`
	Train     string       `json:"train"`
	Planned   time.Time    `json:"planned"`
	Forecasts []chapter    `json:"forecasts"`
	Ended     string       `json:"ended"`
}

// chapter is one forecast beside the railway's own at the same moment.
type chapter struct {
	Source         string    `json:"source"` // panel or request
	HorizonMinutes int32     `json:"horizon_minutes"`
	KnownAt        time.Time `json:"known_at"`
	Model          string    `json:"model"` // name@version
	Role           string    `json:"role"`
	POnTime        float64   `json:"p_on_time"`
	PCancelled     float64   `json:"p_cancelled"`
	PBaseline      *float64  `json:"p_on_time_db_forecast_calibrated"`
	DBDelayMinutes *int      `json:"db_forecast_delay_minutes"` // null where it gave none
	PredictionID   string    `json:"prediction_id"`
}

func (p program) why(ctx context.Context, in whyInput) error {
	c, at, err := p.standalone()
	if err != nil {
		return err
	}
	db, err := warehouse.Open(warehouse.Options{Addr: c.ClickHouseAddress, Database: c.ClickHouseDatabase, User: c.ClickHouseUser, Password: c.ClickHousePassword})
	if err != nil {
		return err
	}
	defer db.Close()
	fetch, err := timetablesClient(c, at)
	if err != nil {
		return err
	}
	look := func(ctx context.Context) ([]rail.Station, error) { return collected(ctx, c, fetch) }
	book, _ := newStationBook(ctx, filepath.Join(c.DataDir, "api", "stations.json"), look, slog.New(slog.DiscardHandler))
	told, err := tell(ctx, db, whyQuestion{in, c, book.stations(), rail.DayOf(at.Now())})
	if err != nil {
		return fmt.Errorf("why: %w", err)
	}
	if in.asJSON {
		return p.printJSON(told)
	}
	return p.printStory(told)
}

// whyQuestion is an input with what is known of its surroundings.
type whyQuestion struct {
	whyInput
	config   config.Config
	stations []rail.Station
	today    rail.Day
}

func tell(ctx context.Context, db *warehouse.DB, q whyQuestion) (story, error) {
	station, found := naming.Station(q.station, q.stations)
	if !found {
		return story{}, fmt.Errorf("no station %q is collected%s", q.station, meant(stationNames(naming.NearStations(q.station, q.stations, 5))))
	}
	event, err := q.find(ctx, db, station)
	if err != nil {
		return story{}, err
	}
	source := sourceName(q.config)
	made, err := db.ForecastsOf(ctx, source, event)
	if err != nil {
		return story{}, fmt.Errorf("forecasts of %s: %w", event.Key(), err)
	}
	outcome, err := db.TruthOf(ctx, schema.Prediction{DataSource: source, EventDay: string(rail.DayOf(event.Planned)), StopID: string(event.Stop), Kind: string(event.Kind)})
	if err != nil {
		return story{}, fmt.Errorf("truth of %s: %w", event.Key(), err)
	}
	told := story{Station: station, StopID: event.Stop, Train: naming.Describe(&event), Planned: event.Planned.In(rail.Berlin), Ended: howItEnded(outcome), Forecasts: []chapter{}}
	for _, p := range made {
		told.Forecasts = append(told.Forecasts, chapterOf(p))
	}
	return told, nil
}

// find is the event that was asked for.
func (q whyQuestion) find(ctx context.Context, db *warehouse.DB, station rail.Station) (rail.PlannedEvent, error) {
	day := q.today
	if q.date != "" {
		var err error
		if day, err = rail.ParseDay(q.date); err != nil {
			return rail.PlannedEvent{}, fmt.Errorf("--date %q: want YYYY-MM-DD", q.date)
		}
	}
	kinds := []rail.EventKind{rail.Departure, rail.Arrival}
	if q.event != "" {
		if kinds = []rail.EventKind{rail.EventKind(q.event)}; q.event != string(rail.Departure) && q.event != string(rail.Arrival) {
			return rail.PlannedEvent{}, fmt.Errorf("--event %q: want arrival or departure", q.event)
		}
	}
	events, err := db.DayPlan(ctx, sourceName(q.config), station.EVA, day)
	if err != nil {
		return rail.PlannedEvent{}, err
	}
	var trains naming.Trains
	for i := range events {
		trains = append(trains, naming.NewTrain(&events[i]))
	}
	for _, kind := range kinds {
		found := trains.Named(q.train, kind)
		if q.planned != "" {
			found = slices.DeleteFunc(found, func(p *rail.PlannedEvent) bool { return p.Planned.In(rail.Berlin).Format("15:04") != q.planned })
		}
		if len(found) > 1 {
			return rail.PlannedEvent{}, fmt.Errorf("%q is the name of %d %ss at %s on %s: add --planned HH:MM%s", q.train, len(found), kind, station.Name, day, meant(described(found)))
		}
		if len(found) == 1 {
			return *found[0], nil
		}
	}
	return rail.PlannedEvent{}, fmt.Errorf("no train %q at %s on %s among %d planned events%s", q.train, station.Name, day, len(events), meant(described(trains.Near(q.train, 5))))
}

func stationNames(stations []rail.Station) []string {
	var names []string
	for _, s := range stations {
		names = append(names, fmt.Sprintf("%s (%d)", s.Name, s.EVA))
	}
	return names
}

func described(plans []*rail.PlannedEvent) []string {
	var names []string
	for _, p := range plans {
		names = append(names, naming.Describe(p))
	}
	return names
}

func meant(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; near it: " + strings.Join(names, "; ")
}

func chapterOf(p schema.Prediction) chapter {
	c := chapter{Source: string(p.Source), HorizonMinutes: p.HorizonMinutes, KnownAt: p.PredictedAt.In(rail.Berlin), Model: fmt.Sprintf("%s@%d", p.Model, p.Version),
		Role: string(p.Role), POnTime: p.POnTime, PCancelled: p.PCancelled, PredictionID: p.PredictionID}
	if !math.IsNaN(p.PBaseline) {
		c.PBaseline = &p.PBaseline
	}
	said := slices.Index(feature.Names(), "forecast_delay")
	if len(p.Features) == feature.Width() && !math.IsNaN(float64(p.Features[said])) {
		delay := int(p.Features[said])
		c.DBDelayMinutes = &delay
	}
	return c
}

// howItEnded puts the outcome into words.
func howItEnded(o schema.Outcome) string {
	evidence := strings.ReplaceAll(o.Evidence, "_", " ")
	switch {
	case !o.Settled:
		return "It has not settled yet, or its outcome stayed unknown."
	case o.Cancelled:
		return fmt.Sprintf("It was cancelled (%s).", evidence)
	case rail.OnTime(int(o.DelayMinutes)):
		return fmt.Sprintf("It was on time: %s, %+d min (%s).", o.Actual.In(rail.Berlin).Format("15:04"), o.DelayMinutes, evidence)
	}
	return fmt.Sprintf("It was late: %s, %+d min (%s).", o.Actual.In(rail.Berlin).Format("15:04"), o.DelayMinutes, evidence)
}

func (p program) printStory(s story) error {
	fmt.Fprintf(p.out, "%s, %s, %s (stop %s)\n\n", s.Train, s.Station.Name, s.Planned.Format("2006-01-02"), s.StopID)
	if len(s.Forecasts) == 0 {
		fmt.Fprintln(p.out, "No forecast of it was logged.")
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(s.Forecasts) > 0 {
		fmt.Fprintln(w, "min before\tknown at\tmodel\t\tP(on time)\tP(cancelled)\tDB said\tP by DB's alone\t")
	}
	for _, c := range s.Forecasts {
		by := c.Source
		if c.Role != string(schema.RoleChampion) {
			by += ", " + c.Role
		}
		said, baseline := "no forecast", "-"
		if c.DBDelayMinutes != nil {
			said = fmt.Sprintf("%+d min", *c.DBDelayMinutes)
		}
		if c.PBaseline != nil {
			baseline = inPercent(*c.PBaseline)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.HorizonMinutes, c.KnownAt.Format("15:04"), c.Model, by, inPercent(c.POnTime), inPercent(c.PCancelled), said, baseline)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "\n%s\n", s.Ended)
	return err
}

func inPercent(p float64) string { return fmt.Sprintf("%.0f %%", 100*p) }
