package history

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// Columns of a release. Those that are not read are still demanded: a file
// without them is another kind of file.
const (
	stationName      = "station_name"
	stationEVA       = "eva"
	trainNumber      = "train_number"
	lineNumber       = "line_number"
	finalDestination = "final_destination_station"
	delayMinutes     = "delay_in_min"
	lastTime         = "time"
	isCanceled       = "is_canceled"
	trainType        = "train_type"
	rideID           = "train_line_ride_id"
	stationNumber    = "train_line_station_num"
	arrivalPlanned   = "arrival_planned_time"
	arrivalChange    = "arrival_change_time"
	departurePlanned = "departure_planned_time"
	departureChange  = "departure_change_time"
	stopID           = "id"

	// Releases may say which half of a stop was cancelled instead of isCanceled.
	arrivalIsCanceled   = "arrival_is_canceled"
	departureIsCanceled = "departure_is_canceled"
)

// form is what the values of a column may be.
type form string

const (
	text        form = "text"
	textOrWhole form = "text or a whole number"
	number      form = "a number"
	localTime   form = "German local time as text or as a timestamp without zone"
	boolean     form = "a boolean"

	moment       form = "a time as text or as a timestamp"
	textOrNumber form = "text or a number"
)

type column struct {
	name string
	form form
}

func demanded() []column {
	return []column{
		{stationName, text}, {stationEVA, textOrWhole}, {trainNumber, textOrWhole}, {lineNumber, textOrWhole},
		{finalDestination, text}, {delayMinutes, number}, {lastTime, localTime}, {trainType, text},
		{rideID, textOrWhole}, {stationNumber, number}, {arrivalPlanned, localTime}, {arrivalChange, localTime},
		{departurePlanned, localTime}, {departureChange, localTime}, {stopID, text},
	}
}

// SchemaError is one column that is not as it should be.
type SchemaError struct {
	File   string
	Column string
	Got    string // the type found, or that there is none
	Want   string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%s: column %s: got %s: want %s", e.File, e.Column, e.Got, e.Want)
}

// layout says in which columns a file tells of cancellations.
type layout struct{ arrival, departure string }

func (l layout) cancelled() []string {
	if l.arrival == l.departure {
		return []string{l.arrival}
	}
	return []string{l.arrival, l.departure}
}

// times are the columns of which a Survey needs to know.
func (l layout) times() []string {
	return append([]string{arrivalPlanned, arrivalChange, departurePlanned, departureChange}, l.cancelled()...)
}

// read are the columns that are decoded.
func (l layout) read() []string {
	return append(l.times(), stationEVA, trainNumber, lineNumber, trainType, stopID)
}

// check holds a schema against the demanded columns. Further ones are ignored.
func check(name string, schema *arrow.Schema) (layout, error) {
	l, columns := layout{isCanceled, isCanceled}, demanded()
	if !schema.HasField(isCanceled) && schema.HasField(arrivalIsCanceled) {
		l = layout{arrivalIsCanceled, departureIsCanceled}
	}
	for _, c := range l.cancelled() {
		columns = append(columns, column{c, boolean})
	}
	return l, checkColumns(name, schema, columns)
}

// checkColumns names every column that is not as it should be.
func checkColumns(name string, schema *arrow.Schema, columns []column) error {
	var errs []error
	for _, c := range columns {
		if got := found(schema, c); got != "" {
			errs = append(errs, &SchemaError{File: name, Column: c.name, Got: got, Want: string(c.form)})
		}
	}
	return errors.Join(errs...)
}

// found is empty for a column as it should be, else what stands there.
func found(schema *arrow.Schema, c column) string {
	fields, _ := schema.FieldsByName(c.name)
	switch {
	case len(fields) == 0:
		return "no such column"
	case len(fields) > 1:
		return fmt.Sprintf("%d columns of that name", len(fields))
	case !c.form.takes(fields[0].Type):
		return fields[0].Type.String()
	}
	return ""
}

// takes says whether values of a type are of the form. A column without any
// value has the null type.
func (f form) takes(t arrow.DataType) bool {
	if dictionary, is := t.(*arrow.DictionaryType); is {
		t = dictionary.ValueType
	}
	isText := t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING
	switch f {
	case text:
		return isText || t.ID() == arrow.NULL
	case textOrWhole:
		return isText || arrow.IsInteger(t.ID()) || t.ID() == arrow.NULL
	case number:
		return arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || t.ID() == arrow.NULL
	case localTime:
		stamp, is := t.(*arrow.TimestampType)
		return isText || is && stamp.TimeZone == "" || t.ID() == arrow.NULL
	case moment:
		return isText || t.ID() == arrow.TIMESTAMP
	case textOrNumber:
		return isText || arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || t.ID() == arrow.NULL
	}
	return t.ID() == arrow.BOOL
}
