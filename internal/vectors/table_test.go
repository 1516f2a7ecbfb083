package vectors_test

import (
	"math"
	"strings"
	"testing"

	"puenktlich/internal/vectors"
)

func TestTableIsFilledByRowOrColumn(t *testing.T) {
	t.Parallel()
	l := vectors.NewLayout([]string{"a", "horizon"})
	table := l.Table(2)
	table.GiveAll()
	table.Set(0, 0, 0.1)
	table.Set(0, 1, 30)
	table.Set(1, 1, 5)
	if err := table.Finish(); err != nil {
		t.Fatal(err)
	}
	if table.Vectors[0] != 0.1 || !math.IsNaN(float64(table.Vectors[2])) || table.Horizons[0] != 30 || table.Horizons[1] != 5 {
		t.Errorf("%v %v", table.Vectors, table.Horizons)
	}
	table.Give(l.Horizon())
	table.Set(0, l.Horizon(), 29.5)
	table.Set(1, l.Horizon(), 4.5)
	if err := table.Finish(); err != nil || table.Horizons[0] != 29.5 || table.Vectors[1] != 30 {
		t.Errorf("%v %v %v: the column goes before the feature", table.Vectors, table.Horizons, err)
	}
}

func TestResizeKeepsRows(t *testing.T) {
	t.Parallel()
	table := vectors.NewLayout([]string{"a", "b"}).Table(1)
	table.Set(0, 1, 7)
	table.Resize(3)
	if table.Vectors[1] != 7 || len(table.Vectors) != 6 || !math.IsNaN(float64(table.Vectors[5])) || !math.IsNaN(table.Horizons[2]) {
		t.Errorf("grown: %v %v", table.Vectors, table.Horizons)
	}
	table.Set(2, 0, 9)
	table.Resize(1)
	table.Resize(3)
	if table.Vectors[1] != 7 || !math.IsNaN(float64(table.Vectors[4])) {
		t.Errorf("shrunk and grown: %v", table.Vectors)
	}
}

func TestBadTables(t *testing.T) {
	t.Parallel()
	l := vectors.NewLayout([]string{"delay", "horizon", "train_rate"})
	for want, fill := range map[string]func(*vectors.Table){
		"2 of 3 columns are missing: horizon, train_rate": func(t *vectors.Table) { t.Give(0) },
		"row 1: horizon is NaN":                           func(t *vectors.Table) { t.GiveAll(); t.Set(0, 1, 5) },
		"row 0: horizon_minutes is -1":                    func(t *vectors.Table) { t.GiveAll(); t.Give(3); t.Set(0, 3, -1); t.Set(1, 3, 1) },
		"row 1: horizon_minutes is 1e+300":                func(t *vectors.Table) { t.GiveAll(); t.Give(3); t.Set(0, 3, 1); t.Set(1, 3, 1e300) },
	} {
		table := l.Table(2)
		fill(table)
		if err := table.Finish(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for name, want := range map[string]string{"Delay": "is delay meant?", "rate": "is train_rate meant?", "": "without its index", "zzz": "takes horizon_minutes and 3 features"} {
		if _, err := l.Column(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	full := l.Table(vectors.MaxRows)
	if err := full.AddRow(); err == nil || !err.(*vectors.Error).TooLarge {
		t.Errorf("one row more than allowed: %v", err)
	}
}
