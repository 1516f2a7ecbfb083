package warehouse

import (
	"slices"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/internal/testenv"
)

func (t table[R]) columnNames() []string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return names
}

// TestColumnsAreThoseOfTheServer compares every table's Go columns with the
// server's, and the tables with those it has.
func TestColumnsAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	tables := map[string][]string{
		"stop_plan": planTable.columnNames(), "stop_change": changeTable.columnNames(), "poll": pollTable.columnNames(),
		"coverage": coverageTable.columnNames(), "quarantine": quarantineTable.columnNames(),
		"ground_truth": truthTable.columnNames(), "feature_daily": dailyTable.columnNames(),
		"runs": runTable.columnNames(), "run_params": paramTable.columnNames(), "run_metrics": metricTable.columnNames(),
		"predictions": predictionTable.columnNames(), "model_scores": scoreTable.columnNames(),
		"drift": driftTable.columnNames(), "verdicts": verdictTable.columnNames(), "alerts": alertTable.columnNames(),
		"registry_events": registryTable.columnNames(), "audit": auditTable.columnNames(),
		"unknown_attribute": unknownTable.columnNames(), "feedback": feedbackTable.columnNames(),
		"sources":   sourceTable.columnNames(),
		"estimates": estimateTable.columnNames(), "drift_counts": countsTable.columnNames(),
	}
	server := serverColumns(t)
	for name, columns := range server {
		if got, want := tables[name], columns; !slices.Equal(got, want) {
			t.Errorf("table %s:\n  Go columns     %v\n  server columns %v", name, got, want)
		}
	}
	for name := range tables {
		if _, found := server[name]; !found {
			t.Errorf("table %s: the server does not have it", name)
		}
	}
}

// serverColumns are the columns without a default, by table, in order.
func serverColumns(t *testing.T) map[string][]string {
	t.Helper()
	opts := testenv.ClickHouse(t)
	db, err := Open(Options(opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := db.conn.Query(t.Context(), "SELECT table, groupArray(name) FROM (SELECT table, name FROM system.columns"+
		" WHERE database = {db:String} AND table != 'schema_migrations' AND default_kind = '' ORDER BY table, position) GROUP BY table",
		driver.Named("db", opts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns := map[string][]string{}
	for rows.Next() {
		var name string
		var names []string
		if err := rows.Scan(&name, &names); err != nil {
			t.Fatal(err)
		}
		columns[name] = names
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}
