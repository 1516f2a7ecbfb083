package history

import (
	"context"
	"errors"
)

var errGap = errors.New("a gap was found")

// Survey finds out what a changed time that equals the planned one means in this
// file. Public releases write the planned time where no change was polled; that
// is no evidence, and the event stays unknown. A file that leaves the changed
// time of some event empty does no such thing: there, equal times were seen.
// step is told after each batch how many rows were looked at; its error ends
// the survey.
func (r *Release) Survey(ctx context.Context, step func(rows int64) error) error {
	r.fills = true
	for group := range r.Groups() {
		err := r.records(ctx, group, r.columns.times(), func(c cells, first int64, rows int) error {
			if r.gap(c, rows) {
				return errGap
			}
			return step(first + int64(rows))
		})
		if errors.Is(err, errGap) {
			r.fills = false
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Fills says that the file writes planned times where no change was seen, as
// Survey found.
func (r *Release) Fills() bool { return r.fills }

// gap says that some event that was to run has no changed time.
func (r *Release) gap(c cells, rows int) bool {
	for i := range rows {
		for _, h := range r.columns.halves() {
			if c.has(h.planned, i) && !c.has(h.changed, i) && !c.flag(h.cancelled, i) {
				return true
			}
		}
	}
	return false
}
