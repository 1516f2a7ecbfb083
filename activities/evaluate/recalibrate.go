package evaluate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/activities/meter"
	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Numbers of a recalibration.
const (
	minCalibrateEvents = 100    // below them a shift cannot be told from chance
	cancelPriorEvents  = 1000.0 // that hold a rate of cancellations near the former one
)

// calibrateOptions are the priors and bounds of a new calibration.
func calibrateOptions() calibrate.Options {
	return calibrate.Options{PriorEvents: 200, MinEvents: 100, MinIsotonic: 1000}
}

// Recalibrate fits a new calibration on days that the trees have not seen, and keeps
// it with the same trees as a new run. The baselines are fitted on the same days, so
// that they know the present base rate too. The same input gives the same bytes.
func (a *Activities) Recalibrate(ctx context.Context, in schemas.RecalibrateStep) (schemas.TrainedModel, error) {
	defer beat.While(ctx, "calibrating on "+in.Plan.Days.String())()
	loaded, _, err := a.original(ctx, in.Plan.Package.Model, in.Plan.Package)
	if err != nil {
		return schemas.TrainedModel{}, err
	}
	what := fmt.Sprintf("recalibrate %s@%d on %s", in.Plan.Package.Model, in.Plan.Package.Version, in.Plan.Days)
	table, err := a.days(ctx, in.Dataset, in.Plan.Days, what)
	if err != nil {
		return schemas.TrainedModel{}, err
	}
	if err := checkFit(loaded.Model, table); err != nil {
		return schemas.TrainedModel{}, failure.Validation("%s: %v", what, err)
	}
	trained := a.successor(in, loaded)
	work := meter.Start(a.Clock.Now())
	learned, err := recalibrated(ctx, loaded, table, trained.Recalibrated)
	if err != nil {
		return trained, failure.Validation("%s: %v", what, err)
	}
	learned.Environment = map[string]string{"code": a.CodeVersion, "recalibrated_from": in.Plan.Package.Digest}
	body, err := json.Marshal(learned)
	if err != nil {
		return trained, fmt.Errorf("%s: %w", what, err)
	}
	if trained.Artefact, err = a.Objects.PutContent(ctx, "runs/"+in.RunID+"/learned/", ".json", body); err != nil {
		return trained, fmt.Errorf("%s: %w", what, err)
	}
	if body, err = json.Marshal(trained); err != nil {
		return trained, fmt.Errorf("%s: %w", what, err)
	}
	if _, err = a.Objects.PutContent(ctx, schemas.TrainedPrefix(in.RunID), ".json", body); err != nil {
		return trained, fmt.Errorf("%s: %w", what, err)
	}
	return trained, a.track(ctx, in, trained, work)
}

// successor is what the new version keeps of the old one.
func (a *Activities) successor(in schemas.RecalibrateStep, loaded *modelpkg.Package) schemas.TrainedModel {
	trained := loaded.Trained
	trainedOn := trained.Dataset
	if trained.Recalibrated != nil {
		trainedOn = trained.Recalibrated.TrainedOn
	}
	trained.RunID, trained.Model, trained.Dataset = in.RunID, in.Plan.Package.Model, in.Dataset
	trained.Recalibrated = &schemas.Recalibration{From: in.Plan.Package, Days: in.Plan.Days, TrainedOn: trainedOn}
	return trained
}

// recalibrated is what is learned anew, and fills the record of it.
func recalibrated(ctx context.Context, loaded *modelpkg.Package, table *dataset.Table, record *schemas.Recalibration) (learn.Learned, error) {
	artefact, ran := loaded.Model.Artefact(), table.Ran()
	record.Events = ran.Events()
	if record.Events < minCalibrateEvents {
		return learn.Learned{}, fmt.Errorf("%d events ran with an observed change, at least %d are needed to calibrate on: take more days", record.Events, minCalibrateEvents)
	}
	events, fold, err := uncalibrated(artefact, ran)
	if err != nil {
		return learn.Learned{}, err
	}
	if n := count(events.Outcome); n == 0 || n == len(events.Outcome) {
		return learn.Learned{}, fmt.Errorf("%d of %d rows were on time, both outcomes are needed to calibrate on: take more days", n, len(events.Outcome))
	}
	record.LogLossBefore = artefact.Calibration.LogLoss(events)
	chosen, err := calibrate.Choose(events, fold, calibrateOptions())
	if err != nil {
		return learn.Learned{}, err
	}
	record.Method, record.Tried, record.LogLossFitted = string(chosen.Choice.Method), tried(chosen.Choice.Tried), chosen.LogLoss(events)
	artefact.Calibration, artefact.CancelRate = chosen, cancelRate(artefact, table)
	if err := recalibrateCancelled(&artefact, table, record); err != nil {
		return learn.Learned{}, err
	}
	references, err := learn.WithForecastReference(loaded.References, events, fold, chosen)
	if err != nil {
		return learn.Learned{}, err
	}
	baselines, err := learn.Trainer{}.FitBaselines(ctx, learn.Whole(ran))
	return learn.Learned{Artefact: artefact, Baselines: baselines, References: references}, err
}

// uncalibrated are P(on time) of the trees alone, and the number of each row's day.
func uncalibrated(artefact forecast.Artefact, ran *dataset.Table) (calibrate.HorizonEvents, []int, error) {
	var events calibrate.HorizonEvents
	artefact.Calibration = calibrate.Horizons{Pooled: calibrate.Identity()}
	raw, err := forecast.Load(artefact)
	if err != nil {
		return events, nil, err
	}
	days, fold := dayNumbers(ran), []int(nil)
	for i, row := range ran.Rows {
		d, err := raw.Forecast(ran.Vector(i), float64(row.Horizon))
		if err != nil {
			return events, nil, fmt.Errorf("%s at %d min: %w", row.Key(), row.Horizon, err)
		}
		events.HorizonMinutes = append(events.HorizonMinutes, row.Horizon)
		events.Forecast = append(events.Forecast, d.OnTime())
		events.Outcome = append(events.Outcome, !row.Late())
		fold = append(fold, days[row.EventDay])
	}
	return events, fold, nil
}

// dayNumbers counts the days of a table in order.
func dayNumbers(table *dataset.Table) map[rail.Day]int {
	days := map[rail.Day]int{}
	for _, row := range table.Rows {
		days[row.EventDay] = 0
	}
	for n, day := range slices.Sorted(maps.Keys(days)) {
		days[day] = n
	}
	return days
}

// recalibrateCancelled fits the calibration of P(cancelled) on every settled event;
// where nothing can be fitted the former one stays.
func recalibrateCancelled(artefact *forecast.Artefact, table *dataset.Table, record *schemas.Recalibration) error {
	if len(artefact.Cancel) == 0 {
		return nil
	}
	alone := *artefact
	alone.CancelCalibration = nil
	raw, err := forecast.Load(alone)
	if err != nil {
		return err
	}
	var events calibrate.HorizonEvents
	days, fold := dayNumbers(table), []int(nil)
	for i, row := range table.Rows {
		d, err := raw.Forecast(table.Vector(i), float64(row.Horizon))
		if err != nil {
			return fmt.Errorf("%s at %d min: %w", row.Key(), row.Horizon, err)
		}
		events.HorizonMinutes = append(events.HorizonMinutes, row.Horizon)
		events.Forecast = append(events.Forecast, d.Cancelled)
		events.Outcome = append(events.Outcome, row.Cancelled)
		fold = append(fold, days[row.EventDay])
	}
	fitted, err := learn.CalibrateCancelled(events, fold)
	if err != nil || fitted == nil {
		return err
	}
	artefact.CancelCalibration, record.CancelMethod = fitted, string(fitted.Choice.Method)
	return nil
}

func count(outcomes []bool) int {
	n := 0
	for _, came := range outcomes {
		if came {
			n++
		}
	}
	return n
}

// cancelRate moves the rate of cancellations towards that of the days; where trees
// forecast them it is not used.
func cancelRate(a forecast.Artefact, table *dataset.Table) float64 {
	cancelled := 0.0
	for _, row := range table.Rows {
		cancelled += indicator(row.Cancelled)
	}
	return (cancelled + cancelPriorEvents*a.CancelRate) / (float64(len(table.Rows)) + cancelPriorEvents)
}

// tried is the record of a choice.
func tried(trials []calibrate.Trial) []schemas.CalibrationMethod {
	var all []schemas.CalibrationMethod
	for _, t := range trials {
		all = append(all, schemas.CalibrationMethod{Method: string(t.Method), LogLoss: t.LogLoss, Rows: t.Rows, Note: t.Problem})
	}
	return all
}
