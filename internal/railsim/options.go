package railsim

import (
	"errors"
	"fmt"

	"puenktlich/internal/rail"
)

// Options describe a railway. The same options give the same documents.
type Options struct {
	// Seed decides every draw.
	Seed uint64
	// Stations is the number of stations the API serves, the hub first. The
	// trains run through all others too. Defaults to all, seven.
	Stations int
	// Scenario begins on ScenarioFrom. Defaults to DefaultScenario.
	Scenario Scenario
	// ScenarioFrom is the first service day of the scenario; needed for every
	// scenario but ScenarioNone.
	ScenarioFrom rail.Day
	// OutageRate is the share of time, in [0, 0.5], in which a station's
	// changes cannot be had: some minutes at a time. Defaults to 0.
	OutageRate float64
}

func (o Options) withDefaults() Options {
	if o.Stations == 0 {
		o.Stations = len(served())
	}
	if o.Scenario == "" {
		o.Scenario = DefaultScenario
	}
	return o
}

// check reports all problems together.
func (o Options) check() error {
	var problems []error
	if most := len(served()); o.Stations < 1 || o.Stations > most {
		problems = append(problems, fmt.Errorf("stations %d: want 1 to %d", o.Stations, most))
	}
	if _, err := ParseScenario(string(o.Scenario)); err != nil {
		problems = append(problems, err)
	}
	if o.Scenario != ScenarioNone {
		if _, err := rail.ParseDay(string(o.ScenarioFrom)); err != nil {
			problems = append(problems, fmt.Errorf("scenario %s begins: %w", o.Scenario, err))
		}
	}
	if !(o.OutageRate >= 0 && o.OutageRate <= maxOutageRate) {
		problems = append(problems, fmt.Errorf("outage rate %v: want 0 to %v", o.OutageRate, maxOutageRate))
	}
	return errors.Join(problems...)
}

const maxOutageRate = 0.5
