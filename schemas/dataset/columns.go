// Package dataset names the columns of a data set's Parquet parts. The columns
// listed here come first; one float32 column per feature follows, named as the
// feature catalogue names it, NaN where nothing was known at the cut-off.
package dataset

import "github.com/apache/arrow/go/v17/arrow"

// Names of the fixed columns.
const (
	StopID       = "stop_id"
	Kind         = "kind"
	Trip         = "trip"
	EVA          = "eva"
	ServiceDay   = "service_day"
	EventDay     = "event_day"
	Planned      = "planned"
	Horizon      = "horizon_minutes"
	Category     = "category"
	Class        = "class"
	Line         = "line"
	DBDelay      = "db_delay_minutes"
	DelayMinutes = "delay_minutes"
	Cancelled    = "cancelled"
	Evidence     = "evidence"
)

// unit is metadata of one field: its unit and its meaning.
func unit(unit, meaning string) arrow.Metadata {
	return arrow.NewMetadata([]string{"unit", "meaning"}, []string{unit, meaning})
}

// Fields are the fixed columns in order.
func Fields() []arrow.Field {
	text, whole := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32
	return []arrow.Field{
		{Name: StopID, Type: text, Metadata: unit("", "tripHash-YYMMDDHHMM-index")},
		{Name: Kind, Type: text, Metadata: unit("", "arrival or departure")},
		{Name: Trip, Type: text, Metadata: unit("", "one trip on one day")},
		{Name: EVA, Type: arrow.PrimitiveTypes.Int64, Metadata: unit("", "station")},
		{Name: ServiceDay, Type: text, Metadata: unit("day", "day on which the trip left its origin")},
		{Name: EventDay, Type: text, Metadata: unit("day", "German calendar day of the planned event")},
		{Name: Planned, Type: arrow.PrimitiveTypes.Int64, Metadata: unit("s since 1970 UTC", "planned time")},
		{Name: Horizon, Type: whole, Metadata: unit("min", "planned time minus cut-off")},
		{Name: Category, Type: text, Metadata: unit("", "train category")},
		{Name: Class, Type: text, Metadata: unit("", "F, N, S, D or ?")},
		{Name: Line, Type: text, Metadata: unit("", "line")},
		{Name: DBDelay, Type: whole, Metadata: unit("min", "the railway's own forecast at the cut-off, 0 where it gave none")},
		{Name: DelayMinutes, Type: whole, Metadata: unit("min", "truth; 0 and meaningless where cancelled")},
		{Name: Cancelled, Type: arrow.FixedWidthTypes.Boolean, Metadata: unit("", "truth: the event was cancelled")},
		{Name: Evidence, Type: text, Metadata: unit("", "why the truth is believed")},
	}
}

// Schema is the fixed columns followed by the features; units are those of the
// features, in order.
func Schema(features, units []string, version string) *arrow.Schema {
	fields := Fields()
	for i, name := range features {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Metadata: unit(units[i], "feature")})
	}
	meta := arrow.NewMetadata([]string{"feature_version"}, []string{version})
	return arrow.NewSchema(fields, &meta)
}
