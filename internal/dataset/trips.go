package dataset

// WithoutTripsOf leaves out the rows of trips that have a row in the other
// table: a trip over midnight is never split between training and test.
func (t *Table) WithoutTripsOf(other *Table) *Table {
	trips := make(map[string]struct{}, len(other.Rows))
	for _, row := range other.Rows {
		trips[row.Trip] = struct{}{}
	}
	return t.withoutTrips(trips)
}

func (t *Table) withoutTrips(trips map[string]struct{}) *Table {
	if len(trips) == 0 {
		return t
	}
	return t.Filter(func(r Row) bool { _, found := trips[r.Trip]; return !found || r.Trip == "" })
}
