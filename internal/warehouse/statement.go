package warehouse

import (
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// statement is a query and its parameters, {name:Type} in the text. Values
// never become part of the text.
type statement struct {
	sql  string
	args []any
}

// where gathers conditions with their parameters.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition that uses one parameter.
func (w *where) and(condition, name string, value any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, driver.Named(name, value))
}

// until adds "column <= t" unless t is zero.
func (w *where) until(column, name string, t time.Time) {
	if !t.IsZero() {
		w.and(column+" <= "+milliseconds(name), name, t.UnixMilli())
	}
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return "1"
	}
	return strings.Join(w.conditions, " AND ")
}

// milliseconds is a parameter given as Unix milliseconds, compared as a moment.
func milliseconds(name string) string {
	return "fromUnixTimestamp64Milli({" + name + ":Int64}, 'UTC')"
}

// seconds is a parameter given as Unix seconds, compared as a DateTime.
func seconds(name string) string { return "toDateTime({" + name + ":Int64}, 'UTC')" }

// named is one parameter of a statement.
func named(name string, value any) any { return driver.Named(name, value) }
