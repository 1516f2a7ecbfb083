package forecast

import (
	"slices"
	"sync"
	"sync/atomic"
)

// remembered is how many cells a model keeps, about a kilobyte each. One live
// state has a few thousand events.
const remembered = 1 << 13

// cells remember what the trees made of rows. Between two seconds an event's
// features hardly move, and trees see a row only as its cell: what they say of one
// row of a cell is, bit for bit, what they say of all. Each cell has one place,
// from which a newer one drives it out.
type cells [remembered]atomic.Pointer[cell]

// cell is what the trees say of its rows, before calibration, which knows the
// horizon.
type cell struct {
	key        []uint32
	cumulative []float64
	cancelled  float64

	explained     sync.Once
	contributions []Contribution
}

// cellOf is the cell of a vector. Where it is not remembered it is made.
func (m *Model) cellOf(vector []float32) *cell {
	var room [64]uint32
	key := m.buckets.Cell(room[:0], vector)
	if m.cancel != nil {
		key = m.cancel.Cell(key, vector)
	}
	place := &m.cells[placeOf(key)]
	if held := place.Load(); held != nil && slices.Equal(held.key, key) {
		return held
	}
	made := &cell{key: slices.Clone(key), cumulative: m.raw(vector), cancelled: m.uncalibrated(vector)}
	place.Store(made)
	return made
}

// placeOf a cell, by the 64-bit FNV-1a hash (G. Fowler, L. C. Noll, K.-P. Vo), a number
// at a time.
func placeOf(key []uint32) uint64 {
	h := uint64(14695981039346656037)
	for _, k := range key {
		h = (h ^ uint64(k)) * 1099511628211
	}
	return (h ^ h>>32) % remembered
}

// explain is what Contributions answers for all rows of the cell, vector being one.
func (c *cell) explain(m *Model, vector []float32) []Contribution {
	c.explained.Do(func() { c.contributions = m.contributions(vector) })
	return c.contributions
}
