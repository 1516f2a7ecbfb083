// Package backtest is the experiment that says whether the loop is worth having:
// its definition, fixed in a file before anyone looks, what a report comes to,
// and the page that tells it.
package backtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Quiet is the scenario without any change.
const Quiet = "none"

// controlPrefix begins the names of controls.
const controlPrefix = "control_"

// Experiment is the file. Days of a run follow from it: training, test, quiet
// nights, then the change.
type Experiment struct {
	Title string `json:"title"`
	// Stations of the simulated railway, the hub first.
	Stations int      `json:"stations"`
	FirstDay rail.Day `json:"first_day"`
	// TrainDays and TestDays make the first model. QuietNights are judged before
	// the change, QuietWeeks where there is none.
	TrainDays   int `json:"train_days"`
	TestDays    int `json:"test_days"`
	QuietNights int `json:"quiet_nights"`
	QuietWeeks  int `json:"quiet_weeks"`
	// MinEvents of the changed world are enough new data, and EnoughDays is
	// within how many days they have to come.
	MinEvents  int `json:"min_events"`
	EnoughDays int `json:"enough_days"`
	// GradedFrom and GradedTo count from the first day with enough new data.
	GradedFrom     int `json:"graded_from"`
	GradedTo       int `json:"graded_to"`
	OracleDays     int `json:"oracle_days"`
	OracleTestDays int `json:"oracle_test_days"`
	// MinRecovered is what each learnable change has to reach, and
	// MaxFalseRetrains a quiet night may have, on the mean.
	MinRecovered     float64 `json:"min_recovered"`
	MaxFalseRetrains float64 `json:"max_false_retrains"`
	// MinLoss is how much more the frozen model's Brier score has to be above the
	// oracle's than in the control, over all seeds, for a change to be learnable.
	MinLoss float64 `json:"min_loss"`
	// EarlierEditions of the file made the same runs and judged them otherwise.
	EarlierEditions []Edition           `json:"earlier_editions,omitempty"`
	JudgingSeeds    []uint64            `json:"judging_seeds"`
	TuningSeeds     []uint64            `json:"tuning_seeds"`
	Scenarios       []Scenario          `json:"scenarios"`
	Candidates      []schemas.Candidate `json:"candidates"`
	Contenders      []schemas.Contender `json:"contenders"`
	Gate            *schemas.GatePolicy `json:"gate,omitempty"`
	digest          string
}

// Edition is the file as it was once.
type Edition struct {
	Digest  string `json:"digest"`
	Differs string `json:"differs"` // in what
}

// Scenario is one change of the railway.
type Scenario struct {
	Name string `json:"name"`
	// CompleteAfterDays is how long the change grows; its new data begin then.
	CompleteAfterDays int    `json:"complete_after_days,omitempty"`
	What              string `json:"what"`
	// control is the quiet railway in the place of a change.
	control bool
}

// Control is the quiet railway on the days of a scenario: frozen model and oracle are
// trained and graded on the same days, and nothing has changed. What the frozen model
// loses there is not the change's doing.
func (s Scenario) Control() Scenario {
	return Scenario{Name: fmt.Sprintf("%s%d", controlPrefix, s.CompleteAfterDays), CompleteAfterDays: s.CompleteAfterDays, control: true,
		What: fmt.Sprintf("the railway stays as it is, judged like a change that is complete after %d days", s.CompleteAfterDays)}
}

// Railway is the name of the scenario that the simulator plays.
func (s Scenario) Railway() string {
	if s.control {
		return Quiet
	}
	return s.Name
}

// Read reads an experiment, and the policy files it names, whose paths are
// relative to it. Unknown fields are errors.
func Read(path string) (Experiment, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Experiment{}, fmt.Errorf("experiment: %w", err)
	}
	e, err := Parse(text)
	if err != nil {
		return e, fmt.Errorf("experiment %s: %w", path, err)
	}
	sum := sha256.New()
	sum.Write(text)
	for i, c := range e.Contenders {
		if c.PolicyFile == "" {
			continue
		}
		policy, err := os.ReadFile(filepath.Join(filepath.Dir(path), c.PolicyFile))
		if err != nil {
			return e, fmt.Errorf("experiment %s: policy of %s: %w", path, c.Name, err)
		}
		e.Contenders[i].PolicyFile = string(policy)
		sum.Write(policy)
	}
	e.digest = hex.EncodeToString(sum.Sum(nil))
	return e, nil
}

// Parse reads the text of an experiment, YAML or JSON.
func Parse(text []byte) (Experiment, error) {
	var e Experiment
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return e, err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return e, err
	}
	read := json.NewDecoder(bytes.NewReader(body))
	read.DisallowUnknownFields()
	if err := read.Decode(&e); err != nil {
		return e, err
	}
	sum := sha256.Sum256(text)
	e.digest = hex.EncodeToString(sum[:])
	return e, e.check()
}

func (e Experiment) check() error {
	var problems []error
	positive := func(name string, value int) {
		if value < 1 {
			problems = append(problems, fmt.Errorf("%s is %d: want 1 or more", name, value))
		}
	}
	for _, field := range []struct {
		name  string
		value int
	}{{"stations", e.Stations}, {"train_days", e.TrainDays}, {"test_days", e.TestDays}, {"quiet_nights", e.QuietNights}, {"quiet_weeks", e.QuietWeeks},
		{"min_events", e.MinEvents}, {"enough_days", e.EnoughDays}, {"oracle_days", e.OracleDays}, {"oracle_test_days", e.OracleTestDays}} {
		positive(field.name, field.value)
	}
	if _, err := rail.ParseDay(string(e.FirstDay)); err != nil {
		problems = append(problems, fmt.Errorf("first_day: %w", err))
	}
	if e.GradedFrom < 0 || e.GradedTo < e.GradedFrom {
		problems = append(problems, fmt.Errorf("graded_from %d to graded_to %d: want days in order", e.GradedFrom, e.GradedTo))
	}
	if len(e.Scenarios) == 0 || len(e.Contenders) == 0 {
		problems = append(problems, errors.New("want at least one scenario and one contender"))
	}
	for _, s := range e.Scenarios {
		if strings.HasPrefix(s.Name, controlPrefix) {
			problems = append(problems, fmt.Errorf("scenario %q: names that begin with %s are those of controls", s.Name, controlPrefix))
		}
	}
	for _, seed := range e.TuningSeeds {
		if slices.Contains(e.JudgingSeeds, seed) {
			problems = append(problems, fmt.Errorf("seed %d both tunes and judges", seed))
		}
	}
	return errors.Join(problems...)
}

// Digest is the hash of the file.
func (e Experiment) Digest() string { return e.digest }

// Scenario finds one by its name.
func (e Experiment) Scenario(name string) (Scenario, error) {
	var names []string
	for _, s := range e.Scenarios {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scenario{}, fmt.Errorf("scenario %q is not in the experiment: it has %s", name, strings.Join(names, ", "))
}

// Plan is the days of one run.
type Plan struct {
	Change rail.Day // first day of the scenario; empty for the quiet one
	Input  schemas.BacktestInput
	// Days of observations, half-open.
	From, Until rail.Day
}

// Plan lays the days of a scenario out.
func (e Experiment) Plan(s Scenario, name string) Plan {
	split := e.FirstDay.Add(e.TrainDays)
	nights := split.Add(e.TestDays)
	in := schemas.BacktestInput{Name: name, Contenders: e.Contenders, First: schemas.LifecycleInput{
		Train: schemas.DayRange{From: string(e.FirstDay), To: string(split)}, Test: schemas.DayRange{From: string(split), To: string(nights)},
		Candidates: e.Candidates, Rollout: &schemas.Rollout{}, Gate: e.Gate}}
	if s.Name == Quiet {
		end := nights.Add(7 * e.QuietWeeks)
		in.Nights = schemas.DayRange{From: string(nights), To: string(end)}
		return Plan{Input: in, From: e.FirstDay, Until: end.Add(1)}
	}
	change := nights.Add(e.QuietNights)
	changed := change.Add(s.CompleteAfterDays)
	end := changed.Add(e.EnoughDays + e.GradedTo)
	if s.control {
		in.Contenders = slices.DeleteFunc(slices.Clone(e.Contenders), func(c schemas.Contender) bool { return !c.Frozen })
	}
	in.Nights = schemas.DayRange{From: string(nights), To: string(end)}
	in.Grading = &schemas.Grading{Changed: string(changed), MinEvents: e.MinEvents, From: e.GradedFrom, To: e.GradedTo, OracleDays: e.OracleDays, OracleTestDays: e.OracleTestDays}
	return Plan{Change: change, Input: in, From: e.FirstDay, Until: end.Add(e.OracleDays + e.OracleTestDays + 1)}
}
