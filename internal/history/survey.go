package history

import "errors"

var errGap = errors.New("a gap was found")

// survey says whether every event that was to run has a changed time.
func survey(l layout, step func(rows int64) error, read func(visit func(values, span) error) error) (fills bool, err error) {
	err = read(func(v values, s span) error {
		if gap(l, v, s.rows) {
			return errGap
		}
		return step(s.first + int64(s.rows))
	})
	if errors.Is(err, errGap) {
		return false, nil
	}
	return true, err
}

// gap says that some event that was to run has no changed time.
func gap(l layout, v values, rows int) bool {
	for i := range rows {
		for _, h := range l.halves() {
			if !v.has(h.planned, i) || v.has(h.changed, i) {
				continue
			}
			if cancelled, err := v.flag(h.cancelled, i); err == nil && !cancelled {
				return true
			}
		}
	}
	return false
}
