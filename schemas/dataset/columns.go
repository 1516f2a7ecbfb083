// Package dataset names the columns of a data set's Parquet parts. The columns
// listed here come first; one float32 column per feature follows, named as the
// feature catalogue names it, NaN where nothing was known at the cut-off.
// Every column says in its metadata what it is: unit, source, from when on its
// value is known, meaning.
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

// Keys of the metadata of a column and of a part.
const (
	KeyUnit           = "unit"
	KeySource         = "source"
	KeyKnownAt        = "known_at"
	KeyMeaning        = "meaning"
	KeyFeatureVersion = "feature_version"
)

// About says what a column holds.
type About struct {
	Unit    string
	Source  string // plan, calendar, live, history or truth
	KnownAt string // from when on a value may be used
	Meaning string
}

// Metadata is the description as a column carries it.
func (a About) Metadata() arrow.Metadata {
	return arrow.NewMetadata([]string{KeyUnit, KeySource, KeyKnownAt, KeyMeaning}, []string{a.Unit, a.Source, a.KnownAt, a.Meaning})
}

// AboutOf reads the description of a column; what it does not say is empty.
func AboutOf(field arrow.Field) About {
	get := func(key string) string {
		if i := field.Metadata.FindKey(key); i >= 0 {
			return field.Metadata.Values()[i]
		}
		return ""
	}
	return About{get(KeyUnit), get(KeySource), get(KeyKnownAt), get(KeyMeaning)}
}

const (
	withPlan = "plan published"
	settled  = "settled after the event: never a feature"
)

// plan and truth describe fixed columns.
func plan(unit, meaning string) arrow.Metadata {
	return About{unit, "plan", withPlan, meaning}.Metadata()
}

func truth(unit, meaning string) arrow.Metadata {
	return About{unit, "truth", settled, meaning}.Metadata()
}

// Fields are the fixed columns in order.
func Fields() []arrow.Field {
	text, whole := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32
	live := About{"min", "live", "polled at or before the cut-off, less the lag", "the railway's own forecast at the cut-off, 0 where it gave none"}
	cutoff := About{"min", "calendar", withPlan, "planned time minus cut-off"}
	return []arrow.Field{
		{Name: StopID, Type: text, Metadata: plan("identifier", "tripHash-YYMMDDHHMM-index")},
		{Name: Kind, Type: text, Metadata: plan("name", "arrival or departure")},
		{Name: Trip, Type: text, Metadata: plan("identifier", "one trip on one day")},
		{Name: EVA, Type: arrow.PrimitiveTypes.Int64, Metadata: plan("EVA number", "station")},
		{Name: ServiceDay, Type: text, Metadata: plan("day", "day on which the trip left its origin")},
		{Name: EventDay, Type: text, Metadata: plan("day", "German calendar day of the planned event")},
		{Name: Planned, Type: arrow.PrimitiveTypes.Int64, Metadata: plan("s since 1970 UTC", "planned time")},
		{Name: Horizon, Type: whole, Metadata: cutoff.Metadata()},
		{Name: Category, Type: text, Metadata: plan("name", "train category")},
		{Name: Class, Type: text, Metadata: plan("name", "F, N, S, D or ?")},
		{Name: Line, Type: text, Metadata: plan("name", "line, empty for trains without one")},
		{Name: DBDelay, Type: whole, Metadata: live.Metadata()},
		{Name: DelayMinutes, Type: whole, Metadata: truth("min", "delay, negative when early; 0 and meaningless where cancelled")},
		{Name: Cancelled, Type: arrow.FixedWidthTypes.Boolean, Metadata: truth("true or false", "the event was cancelled")},
		{Name: Evidence, Type: text, Metadata: truth("name", "why the truth is believed")},
	}
}

// Schema is the fixed columns followed by the features, each described by the
// element of abouts of the same index.
func Schema(features []string, abouts []About, version string) *arrow.Schema {
	fields := Fields()
	for i, name := range features {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Metadata: abouts[i].Metadata()})
	}
	meta := arrow.NewMetadata([]string{KeyFeatureVersion}, []string{version})
	return arrow.NewSchema(fields, &meta)
}
