package warehouse_test

import (
	"testing"

	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// migrated is an empty database of the test's own.
func migrated(t testing.TB) *warehouse.DB {
	t.Helper()
	db := open(t)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func open(t testing.TB) *warehouse.DB {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
