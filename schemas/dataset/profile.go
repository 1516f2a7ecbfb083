package dataset

// Profile counts what is in one part of a data set. It is stored beside the
// part as JSON, and every check of a data set reads it instead of the rows.
type Profile struct {
	Day            string `json:"day"`
	FeatureVersion string `json:"feature_version"`
	Rows           int    `json:"rows"`
	Events         int    `json:"events"` // distinct events of the rows
	Ran            int    `json:"ran"`    // of Events, those that ran with an observed change
	Late           int    `json:"late"`   // of Ran
	Cancelled      int    `json:"cancelled"`

	// Duplicates have an event and a horizon that another row has.
	Duplicates Rows `json:"duplicates"`
	// Misplaced are planned on another day than the part's, or belong to a trip
	// that began on a later day or more than two days before.
	Misplaced Rows `json:"misplaced"`

	Horizons   []Tally `json:"horizons"` // rows by horizon in minutes
	Kinds      []Tally `json:"kinds"`
	Classes    []Tally `json:"classes"`
	Categories []Tally `json:"categories"`
	Evidence   []Tally `json:"evidence"`

	Columns []ColumnProfile `json:"columns"` // features in order, then the numbers of the truth

	// Overnight are the trips of the part that began on an earlier day.
	Overnight []string `json:"overnight,omitempty"`

	Surroundings Surroundings `json:"surroundings"`
}

// Surroundings are what the store held of the day when the part was made.
type Surroundings struct {
	Planned int `json:"planned"` // events of the timetable
	Settled int `json:"settled"` // events with truth

	StationHours int `json:"station_hours"` // stations times hours of the day
	PlanKnown    int `json:"plan_known"`    // of StationHours, with a plan that was read
	Unwatched    int `json:"unwatched"`     // of PlanKnown, without a single poll for changes
}

// Rows counts rows of a kind and names the first.
type Rows struct {
	Rows  int    `json:"rows"`
	First string `json:"first,omitempty"` // stop/kind at horizon
}

// Tally counts the rows with one value.
type Tally struct {
	Value string `json:"value"`
	Rows  int    `json:"rows"`
}

// ColumnProfile is one numeric column of a part.
type ColumnProfile struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`
	Known    int     `json:"known"` // finite values
	Infinite Rows    `json:"infinite"`
	Low      Extreme `json:"low"`
	High     Extreme `json:"high"`
}

// Extreme is the lowest or highest finite value of a column and the row that
// has it first; the zero value where none is known.
type Extreme struct {
	Value float64 `json:"value"`
	At    string  `json:"at,omitempty"`
}
