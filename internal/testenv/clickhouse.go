package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"puenktlich/internal/localstack"
	"puenktlich/internal/localstack/chengine"
)

const (
	clickHousePassword = "for-tests-on-loopback"
	// clickHouseMemoryBytes leaves room for several test programs at once.
	clickHouseMemoryBytes = 3 << 30
)

// ClickHouseOptions convert to warehouse.Options.
type ClickHouseOptions struct {
	Addr     string
	Database string
	User     string
	Password string
}

var databases atomic.Uint64

// ClickHouse answers where the engine is, with a database of the test's own
// that does not exist yet: warehouse.Open(warehouse.Options(testenv.ClickHouse(t))).
func ClickHouse(t testing.TB) ClickHouseOptions {
	t.Helper()
	addr, err := clickHouse.address()
	if err != nil {
		t.Fatal(err)
	}
	return ClickHouseOptions{
		Addr:     "http://" + addr,
		Database: fmt.Sprintf("test_%d", databases.Add(1)),
		User:     "default",
		Password: clickHousePassword,
	}
}

func serveClickHouse(ctx context.Context, dir string) error {
	library, err := clickHouseLibrary()
	if err != nil {
		return err
	}
	return chengine.Serve(ctx, chengine.Options{
		LibraryPath: library, DataDir: dir, Password: clickHousePassword, MaxMemoryBytes: clickHouseMemoryBytes,
	}, ready)
}

func clickHouseLibrary() (string, error) {
	if path := os.Getenv(localstack.SettingLibChDB); path != "" {
		return path, nil
	}
	cache, err := localstack.DefaultCacheDir(os.Getenv)
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "lib", "libchdb-"+localstack.ChDBVersion+".so")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the ClickHouse engine is missing: %w; run `make setup`", err)
	}
	return path, nil
}
