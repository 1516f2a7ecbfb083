package forest

// Cell appends to dst, for each feature that the trees split on, how many of its
// distinct thresholds the row (len Features, NaN is missing) reaches. Trees compare
// values with thresholds and do nothing else, so two rows of one cell have the same
// margins and the same contributions, bit for bit. It panics if the length is wrong.
func (f *Forest) Cell(dst []uint32, row []float32) []uint32 {
	if len(row) != f.features {
		panic("forest: Cell takes exactly one row")
	}
	for i := range f.sliced.features {
		dst = append(dst, f.sliced.features[i].reached(row))
	}
	return dst
}

// reached counts the thresholds of the feature that are not above a row's value.
func (s *featureScale) reached(row []float32) uint32 {
	value, k := known(row[s.feature]), 0
	for step := (len(s.thresholds) + 1) / 2; step > 0; step /= 2 {
		k += step & -notBelow(value, s.thresholds[k+step-1])
	}
	return uint32(k)
}
