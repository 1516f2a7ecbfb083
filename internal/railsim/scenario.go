package railsim

import (
	"fmt"
	"slices"

	"puenktlich/internal/rail"
)

// Scenario is a change of the world that begins on one day, so that what
// watches a model can be judged by what it notices.
type Scenario string

// The scenarios. A change of the data alone leaves the delays as they are.
const (
	// ScenarioNone: the railway stays as it is.
	ScenarioNone Scenario = "none"
	// ScenarioNewLine: a fast regional line opens that no history knows.
	ScenarioNewLine Scenario = "new_line"
	// ScenarioNewTimetable: other minutes, longer runs, and new trip ids.
	ScenarioNewTimetable Scenario = "new_timetable"
	// ScenarioWorks: four weeks of works between the hub and the north.
	ScenarioWorks Scenario = "works"
	// ScenarioDemand: a cheap ticket fills regional and suburban trains for
	// three months; stops take longer, above all at rush hour.
	ScenarioDemand Scenario = "demand"
	// ScenarioCodeChange: reason codes are renumbered and events carry an
	// attribute that no schema knows.
	ScenarioCodeChange Scenario = "code_change"
	// ScenarioConceptShift: primary delays become slowly more frequent.
	ScenarioConceptShift Scenario = "concept_shift"
	// ScenarioFeatureBreak: forecasts stay as first published until the train
	// has come; every document still looks healthy.
	ScenarioFeatureBreak Scenario = "feature_break"
)

// DefaultScenario is the railway as it is.
const DefaultScenario = ScenarioNone

// Scenarios lists the closed set.
func Scenarios() []Scenario {
	return []Scenario{
		ScenarioNone, ScenarioNewLine, ScenarioNewTimetable, ScenarioWorks, ScenarioDemand,
		ScenarioCodeChange, ScenarioConceptShift, ScenarioFeatureBreak,
	}
}

// ParseScenario reads one of Scenarios.
func ParseScenario(s string) (Scenario, error) {
	if !slices.Contains(Scenarios(), Scenario(s)) {
		return "", fmt.Errorf("scenario %q: want one of %v", s, Scenarios())
	}
	return Scenario(s), nil
}

const (
	shiftDays  = 21  // until a concept shift is complete
	shiftFull  = 2.5 // times as many primary delays after it
	worksDays  = 28
	demandDays = 92
	demandRamp = 7   // days until the cheap ticket is in everybody's hands
	demandFull = 3.0 // times as many long stops
)

// effects is what a scenario does to one service day.
type effects struct {
	primary      float64 // factor on the frequency of primary delays
	demand       float64 // factor on the frequency of long stops
	version      int     // of the timetable
	newLine      bool
	works        corridor // with works all day, empty for none
	renumber     bool     // of reason codes, and the unknown attribute
	frozenUpdate bool     // forecasts stay as first published
}

// effectsOn is the state of the world on a day, given the scenario and the day
// it begins.
func effectsOn(scenario Scenario, from, day rail.Day) effects {
	world := effects{primary: 1, demand: 1}
	if scenario == ScenarioNone || day < from {
		return world
	}
	age := daysBetween(from, day)
	switch scenario {
	case ScenarioNewLine:
		world.newLine = true
	case ScenarioNewTimetable:
		world.version = 1
	case ScenarioWorks:
		if age < worksDays {
			world.works = north
		}
	case ScenarioDemand:
		if age < demandDays {
			world.demand = ramp(age, demandRamp, demandFull)
		}
	case ScenarioCodeChange:
		world.renumber = true
	case ScenarioConceptShift:
		world.primary = ramp(age, shiftDays, shiftFull)
	case ScenarioFeatureBreak:
		world.frozenUpdate = true
	}
	return world
}

// ramp goes from 1 to full over length days and stays there.
func ramp(age, length int, full float64) float64 {
	share := min(1, float64(age+1)/float64(length))
	return 1 + (full-1)*share
}

// daysBetween counts calendar days; a day of 23 or 25 hours counts as one.
func daysBetween(from, to rail.Day) int {
	return int((to.Start().Sub(from.Start()).Hours() + 12) / 24)
}
