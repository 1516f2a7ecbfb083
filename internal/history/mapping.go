package history

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"puenktlich/internal/strictjson"
)

// Mapping says how a CSV file tells what a monthly release tells.
type Mapping struct {
	// Columns names, for each field of a monthly release, the column of the CSV
	// file's header that holds it.
	Columns map[string]string `json:"columns"`
	// Delimiter is the one character between values. Defaults to a comma.
	Delimiter string `json:"delimiter,omitempty"`
	// TimeLayout is how times are written, as Go writes the moment Mon Jan 2
	// 15:04:05 -0700 2006. Defaults to the forms of a release, such as
	// 2006-01-02 15:04:05.
	TimeLayout string `json:"time_layout,omitempty"`
	// Zone is that of times without an offset: Europe/Berlin or UTC. Defaults to
	// Europe/Berlin; a layout with an offset has none.
	Zone string `json:"zone,omitempty"`
	// Cancelled and Runs are how a cancellation and the lack of one are written.
	// Default to true, t, 1 and false, f, 0, upper or lower case.
	Cancelled []string `json:"cancelled,omitempty"`
	Runs      []string `json:"runs,omitempty"`
	// Missing are values that stand for none, beside the empty one.
	Missing []string `json:"missing,omitempty"`
}

// Zones of times without an offset.
const (
	zoneBerlin = "Europe/Berlin"
	zoneUTC    = "UTC"
)

// ParseMapping reads a mapping as JSON. Unknown keys and fields are errors, and
// all that is wrong with the fields is told at once.
func ParseMapping(body []byte) (Mapping, error) {
	var m Mapping
	if err := strictjson.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("mapping: %w: want columns, delimiter, time_layout, zone, cancelled, runs, missing", err)
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("mapping: %w", err)
	}
	return m, nil
}

// mapped are the fields a mapping may name; those that are not read from a CSV
// file may be left out.
func mapped() (all, needed []string) {
	for _, c := range demanded() {
		all = append(all, c.name)
	}
	all = append(all, isCanceled, arrivalIsCanceled, departureIsCanceled)
	return all, []string{stopID, stationEVA, trainType, trainNumber, arrivalPlanned, arrivalChange, departurePlanned, departureChange}
}

func (m Mapping) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	all, needed := mapped()
	for _, field := range slices.Sorted(maps.Keys(m.Columns)) {
		if !slices.Contains(all, field) {
			wrong("columns: unknown field %q: want some of %s", field, strings.Join(all, ", "))
		} else if m.Columns[field] == "" {
			wrong("columns: %s: want the name of a column", field)
		}
	}
	for _, field := range needed {
		if _, found := m.Columns[field]; !found {
			wrong("columns: %s is needed", field)
		}
	}
	if err := m.checkCancelled(); err != nil {
		errs = append(errs, err)
	}
	if r, size := utf8.DecodeRuneInString(m.delimiter()); size != len(m.delimiter()) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		wrong("delimiter %q: want one character, no quote and no end of line", m.Delimiter)
	}
	return errors.Join(append(errs, m.checkTimes())...)
}

func (m Mapping) checkCancelled() error {
	_, both := m.Columns[isCanceled]
	_, arrival := m.Columns[arrivalIsCanceled]
	_, departure := m.Columns[departureIsCanceled]
	switch {
	case arrival != departure || both == arrival:
		return fmt.Errorf("columns: want %s, or %s and %s", isCanceled, arrivalIsCanceled, departureIsCanceled)
	case len(m.Cancelled) == 0 != (len(m.Runs) == 0):
		return errors.New("cancelled and runs: want both or neither")
	}
	return nil
}

// checkTimes writes and reads a moment: a layout that loses a part of it cannot
// be meant.
func (m Mapping) checkTimes() error {
	if m.Zone != "" && m.Zone != zoneBerlin && m.Zone != zoneUTC {
		return fmt.Errorf("zone %q: want %s or %s", m.Zone, zoneBerlin, zoneUTC)
	}
	if m.TimeLayout == "" {
		return nil
	}
	moment := time.Date(2024, 10, 29, 15, 48, 0, 0, time.UTC)
	read, err := time.Parse(m.TimeLayout, moment.Format(m.TimeLayout))
	if err != nil || !read.Equal(moment) {
		return fmt.Errorf("time_layout %q: want year, month, day, hour and minute, such as 2006-01-02 15:04", m.TimeLayout)
	}
	if m.offset() && m.Zone != "" {
		return fmt.Errorf("zone %q: time_layout %q has an offset of its own", m.Zone, m.TimeLayout)
	}
	return nil
}

// offset says that times tell how far they are from UTC.
func (m Mapping) offset() bool {
	east, west := time.FixedZone("", 3600), time.FixedZone("", -3600)
	moment := time.Date(2024, 10, 29, 15, 48, 0, 0, east)
	return moment.Format(m.TimeLayout) != time.Date(2024, 10, 29, 15, 48, 0, 0, west).Format(m.TimeLayout)
}

func (m Mapping) delimiter() string {
	if m.Delimiter == "" {
		return ","
	}
	return m.Delimiter
}

// layout says where a file tells of cancellations.
func (m Mapping) layout() layout {
	if _, both := m.Columns[isCanceled]; both {
		return layout{isCanceled, isCanceled}
	}
	return layout{arrivalIsCanceled, departureIsCanceled}
}

// timeForm is how a file writes times.
type timeForm struct {
	layouts []string
	exact   bool // an instant, whatever German clocks show
}

func (m Mapping) times() timeForm {
	if m.TimeLayout == "" {
		return timeForm{wallLayouts(), m.Zone == zoneUTC}
	}
	return timeForm{[]string{m.TimeLayout}, m.Zone == zoneUTC || m.offset()}
}

func (f timeForm) read(value string, near time.Time) (time.Time, error) {
	for _, layout := range f.layouts {
		read, err := time.Parse(layout, value)
		switch {
		case err != nil:
			continue
		case f.exact:
			return read.UTC(), sane(read.UTC())
		}
		return instant(read, near)
	}
	example := time.Date(2024, 10, 29, 15, 48, 0, 0, time.UTC).Format(f.layouts[0])
	return time.Time{}, fmt.Errorf("want a time such as %s", example)
}

// flag reads a cancellation.
func (m Mapping) flag(value string) (bool, error) {
	yes, no := m.Cancelled, m.Runs
	if len(yes) == 0 {
		value, yes, no = strings.ToLower(value), []string{"true", "t", "1"}, []string{"false", "f", "0"}
	}
	switch {
	case slices.Contains(yes, value):
		return true, nil
	case slices.Contains(no, value):
		return false, nil
	}
	return false, fmt.Errorf("want %s, or %s", strings.Join(yes, ", "), strings.Join(no, ", "))
}
