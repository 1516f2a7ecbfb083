package warehouse_test

import (
	"errors"
	"testing"

	"puenktlich/internal/warehouse"
)

// migrations is the number of files in schemas/clickhouse.
const migrations = 26

func TestMigrateTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	for i, want := range []int{migrations, 0} {
		ran, err := db.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ran != want {
			t.Errorf("time %d: %d migrations ran, want %d", i+1, ran, want)
		}
	}
}

func TestReadBeforeMigrateIsNotMigrated(t *testing.T) {
	t.Parallel()
	db := open(t)
	_, err := db.PredictionByID(t.Context(), "p")
	if !errors.Is(err, warehouse.ErrNotMigrated) {
		t.Fatalf("got %v, want ErrNotMigrated", err)
	}
}
