package warehouse

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// column binds one column of a table to rows of type R.
type column[R any] struct {
	name string
	// read is the expression that is read in place of the column; empty: the
	// column itself.
	read string
	// readAs is the function of the column that is read in place of it; empty: none.
	readAs string
	// add appends the column of all rows.
	add func(to driver.BatchColumn, rows []R) error
	// scan answers where the driver stores the value, in the given row; nil for
	// a column that is written only.
	scan func(*R) any
}

// scanner lets the driver hand over a value that needs a conversion.
type scanner func(any) error

// Scan implements database/sql's Scanner.
func (s scanner) Scan(value any) error { return s(value) }

// computed is a column that is written and never read back.
func computed[R, V any](name string, value func(*R) V) column[R] {
	return column[R]{name: name, add: func(to driver.BatchColumn, rows []R) error {
		values := make([]V, len(rows))
		for i := range rows {
			values[i] = value(&rows[i])
		}
		return to.Append(values)
	}}
}

// field is a column whose Go type the driver knows.
func field[R, V any](name string, at func(*R) *V) column[R] {
	c := computed(name, func(r *R) V { return *at(r) })
	c.scan = func(r *R) any { return at(r) }
	return c
}

// text is a String column in a string type of ours.
func text[R any, S ~string](name string, at func(*R) *S) column[R] {
	c := computed(name, func(r *R) string { return string(*at(r)) })
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			s, ok := value.(string)
			*at(r) = S(s)
			return converted(name, value, ok)
		})
	}
	return c
}

// numbers is an Array column of numbers of a fixed width. It is read as the bytes of
// its values: through the driver an array takes 14 times the processor time, since
// it reflects on every element. Written row by row, the driver takes a slice as it is.
func numbers[R any, V float32 | float64 | uint64](name string, at func(*R) *[]V) column[R] {
	c := column[R]{name: name, readAs: "reinterpretAsString", add: func(to driver.BatchColumn, rows []R) error {
		for i := range rows {
			if err := to.AppendRow(*at(&rows[i])); err != nil {
				return err
			}
		}
		return nil
	}}
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			packed, ok := value.(string)
			if !ok {
				return converted(name, value, ok)
			}
			values, err := unpackNumbers[V](packed)
			*at(r) = values
			if err != nil {
				return fmt.Errorf("column %s: %w", name, err)
			}
			return nil
		})
	}
	return c
}

// unpackNumbers reads values from their little-endian bytes, as every machine that
// ClickHouse runs on has them.
func unpackNumbers[V float32 | float64 | uint64](packed string) ([]V, error) {
	width := binary.Size(V(0))
	if len(packed)%width != 0 {
		return nil, fmt.Errorf("%d bytes are no array of values of %d bytes", len(packed), width)
	}
	values := make([]V, len(packed)/width)
	_, err := binary.Decode([]byte(packed), binary.LittleEndian, values)
	return values, err
}

// flag is a UInt8 column that holds 0 or 1.
func flag[R any](name string, at func(*R) *bool) column[R] {
	c := computed(name, func(r *R) uint8 {
		if *at(r) {
			return 1
		}
		return 0
	})
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			n, ok := value.(uint8)
			*at(r) = n != 0
			return converted(name, value, ok)
		})
	}
	return c
}

// dictionary is a Map(String, String) column; an empty map reads as nil.
func dictionary[R any](name string, at func(*R) *map[string]string) column[R] {
	c := computed(name, func(r *R) map[string]string { return *at(r) })
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			m, ok := value.(map[string]string)
			*at(r) = nil
			if len(m) > 0 {
				*at(r) = m
			}
			return converted(name, value, ok)
		})
	}
	return c
}

// instant is a DateTime or DateTime64 column; it reads as UTC. A missing time
// is an error.
func instant[R any](name string, at func(*R) *time.Time) column[R] {
	c := column[R]{name: name, add: func(to driver.BatchColumn, rows []R) error {
		times := make([]time.Time, len(rows))
		for i := range rows {
			times[i] = *at(&rows[i])
			if err := storable(times[i]); err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
		}
		return to.Append(times)
	}}
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			t, ok := value.(time.Time)
			*at(r) = t.UTC()
			return converted(name, value, ok)
		})
	}
	return c
}

// moment is a Nullable time column; the zero time is NULL.
func moment[R any](name string, at func(*R) *time.Time) column[R] {
	c := column[R]{name: name, add: func(to driver.BatchColumn, rows []R) error {
		times := make([]*time.Time, len(rows))
		for i := range rows {
			t := at(&rows[i])
			if t.IsZero() {
				continue
			}
			if err := storable(*t); err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
			times[i] = t
		}
		return to.Append(times)
	}}
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			if value == nil {
				*at(r) = time.Time{}
				return nil
			}
			t, ok := value.(time.Time)
			*at(r) = t.UTC()
			return converted(name, value, ok)
		})
	}
	return c
}

// noTime stands for a missing time where a column cannot hold NULL. Nothing of
// the railway is that old.
var noTime = time.Unix(0, 0).UTC()

// optional is a time column without NULL; the zero time is stored as noTime.
func optional[R any](name string, at func(*R) *time.Time) column[R] {
	filled := func(r *R) *time.Time {
		if t := at(r); !t.IsZero() {
			return t
		}
		return &noTime
	}
	c := instant(name, filled)
	c.scan = func(r *R) any {
		return scanner(func(value any) error {
			t, ok := value.(time.Time)
			*at(r) = known(t)
			return converted(name, value, ok)
		})
	}
	return c
}

// known is a time that was read, zero for noTime.
func known(t time.Time) time.Time {
	if t.Equal(noTime) {
		return time.Time{}
	}
	return t.UTC()
}

// storable refuses what a DateTime cannot hold: the driver would wrap it.
func storable(t time.Time) error {
	if t.IsZero() {
		return fmt.Errorf("the time is missing")
	}
	if s := t.Unix(); s < 0 || s > math.MaxUint32 {
		return fmt.Errorf("time %s: want 1970 to 2106", t.UTC().Format(time.RFC3339))
	}
	return nil
}

const dayLayout = "2006-01-02"

// day is a Date column in a string type of ours, written 2006-01-02.
func day[R any, S ~string](name string, at func(*R) *S) column[R] {
	return column[R]{
		name: name,
		add: func(to driver.BatchColumn, rows []R) error {
			dates := make([]time.Time, len(rows))
			for i := range rows {
				written := *at(&rows[i])
				if i > 0 && written == *at(&rows[i-1]) { // days come in runs
					dates[i] = dates[i-1]
					continue
				}
				date, err := time.Parse(dayLayout, string(written))
				if err != nil {
					return fmt.Errorf("row %d: %q: want YYYY-MM-DD", i, string(written))
				}
				dates[i] = date
			}
			return to.Append(dates)
		},
		scan: func(r *R) any {
			var last time.Time // days come in runs, and writing one takes long
			var written S
			return scanner(func(value any) error {
				t, ok := value.(time.Time)
				if written == "" || t != last {
					last, written = t, S(t.Format(dayLayout))
				}
				*at(r) = written
				return converted(name, value, ok)
			})
		},
	}
}

func converted(name string, value any, ok bool) error {
	if !ok {
		return fmt.Errorf("column %s: unexpected %T", name, value)
	}
	return nil
}
