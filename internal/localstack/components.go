package localstack

import (
	"fmt"
	"path/filepath"
)

// Pinned versions. The Go tools' versions live in tools/go.mod; the constants
// here are what progress lines name.
const (
	TemporalVersion      = "1.5.1"
	VersitygwVersion     = "1.8.0"
	WorkflowcheckVersion = "0.6.0"
	ChDBVersion          = "26.7.3"
	XGBoostVersion       = "1.7.4" // Debian 12's libxgboost0, the measured one
	XGBoostWheelVersion  = "1.7.6" // the Python wheel used where Debian's package is out of reach
)

// Settings that set-up sentences name. The caller reads them; this package does
// not look at the environment.
const (
	SettingCacheDir   = "PUENKTLICH_CACHE"
	SettingLibChDB    = "PUENKTLICH_LIBCHDB"
	SettingLibXGBoost = "PUENKTLICH_LIBXGBOOST"
)

// Components names every file that set-up found or obtained. All paths are
// absolute.
type Components struct {
	Temporal      string // Temporal CLI with the dev server
	Versitygw     string // S3 gateway
	Workflowcheck string // static check of workflow determinism
	LibChDB       string // ClickHouse engine library
	LibXGBoost    string // XGBoost library, needed by the train pool alone
	// LibXGBoostPreload are libraries that LibXGBoost needs and that the system's
	// loader would not find by itself: open them, in this order, before
	// LibXGBoost. Empty for an installed library and for the wheel's.
	LibXGBoostPreload []string
}

// DefaultCacheDir is the value of PUENKTLICH_CACHE, else .cache/puenktlich in the
// home directory. It needs one of the two and reads them through getenv.
func DefaultCacheDir(getenv func(string) string) (string, error) {
	if dir := getenv(SettingCacheDir); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cache directory %s: %w", dir, err)
		}
		return abs, nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("no cache directory: HOME is not set; set %s to a directory with 2 GiB free", SettingCacheDir)
	}
	return filepath.Join(home, ".cache", "puenktlich"), nil
}
