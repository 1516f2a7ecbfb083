package schemas

// Recipe is everything a run was made from; with the same observations, code and
// libraries it makes the same run again.
type Recipe struct {
	// Candidate was trained; empty for a recalibration.
	Candidate CandidateInput `json:"candidate,omitzero"`
	// Recalibrate is set where the run is an earlier package's trees with a new
	// calibration.
	Recalibrate *RecalibrateStep `json:"recalibrate,omitempty"`
	// Prepare asks for the data set.
	Prepare PrepareInput `json:"prepare"`
}

// Run is the run that the recipe is of, and the model it is for.
func (r Recipe) Run() (id, model string) {
	if step := r.Recalibrate; step != nil {
		return step.RunID, step.Plan.Package.Model
	}
	return r.Candidate.RunID, r.Candidate.Model
}

// ReproduceInput asks for a recorded run to be made again.
type ReproduceInput struct {
	RunID  string `json:"run_id"`
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// ReproducePlan is what has to be done to make a run again.
type ReproducePlan struct {
	Recipe Recipe `json:"recipe"`
	// Refit says that the run was trained on all its days as well.
	Refit bool `json:"refit"`
	// TestDays are those the run was evaluated on, empty where it was not.
	TestDays DayRange `json:"test_days,omitzero"`
	// Note says what is left out, and why.
	Note string `json:"note,omitempty"`
}

// CompareRunsInput asks whether a rebuilt run is the recorded one.
type CompareRunsInput struct {
	Recorded string `json:"recorded"` // run id
	Rebuilt  string `json:"rebuilt"`  // run id
	// SkipTest leaves metrics of test days out.
	SkipTest bool `json:"skip_test,omitempty"`
}

// Agreement is one thing compared between a recorded and a rebuilt run.
type Agreement struct {
	Name     string `json:"name"`
	Recorded string `json:"recorded"`
	Rebuilt  string `json:"rebuilt"`
	Agrees   bool   `json:"agrees"`
}

// ReproduceResult says whether a run could be made again.
type ReproduceResult struct {
	Recorded string      `json:"recorded"` // run id
	Rebuilt  string      `json:"rebuilt"`  // run id
	Agrees   bool        `json:"agrees"`
	Findings []Agreement `json:"findings"`
	// Environment lists what else differs: it may explain what does not agree.
	Environment []Agreement `json:"environment,omitempty"`
	Note        string      `json:"note,omitempty"`
}
