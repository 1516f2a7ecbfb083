package clickhouse

// Batch says under what a set of rows is written.
type Batch struct {
	// Token makes the write repeatable: the same rows sent again under the same
	// token change nothing. Required, and never used for other rows.
	Token string
	// Source is where the rows come from: live, a recording, a simulated
	// railway. Rows of different sources never meet. Required.
	Source string
	// Group is the station group, whose one writer gives seq. Required for plan
	// and changes.
	Group string
}

// TailQuery reads on where a reader of a station group stopped.
type TailQuery struct {
	Source string // required
	Group  string // required
	// AfterSeq is the last seq already applied; 0 = from the start.
	AfterSeq uint64
	// FromServiceDay leaves out trips that began earlier, 2006-01-02; empty =
	// none.
	FromServiceDay string
	Limit          int // rows; required
}
