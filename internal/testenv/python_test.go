package testenv_test

import (
	"os"
	"path/filepath"
	"testing"

	"puenktlich/internal/localstack"
	"puenktlich/internal/testenv"
)

// What is there is used as it is, and an installation that fails leaves nothing
// behind that looks like one.
func TestPythonKeepsWholeInstallations(t *testing.T) {
	cache := t.TempDir()
	t.Setenv(localstack.SettingCacheDir, cache)
	if err := os.Mkdir(filepath.Join(cache, "there-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if python, path, err := testenv.Python(t.Context(), "there-1", "no such package"); err != nil || python == "" || path != filepath.Join(cache, "there-1") {
		t.Errorf("what is there: %q %q %v", python, path, err)
	}
	if _, _, err := testenv.Python(t.Context(), "broken-1", "no such package"); err == nil {
		t.Error("a package without a name that can be was installed")
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the cache: %v %v", entries, err)
	}
}
