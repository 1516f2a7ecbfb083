package xgb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Environment variables that [Locate] reads.
const (
	// EnvLibrary names the library's file. It wins over every other place, and
	// a file that is not there is an error.
	EnvLibrary = "PUENKTLICH_LIBXGBOOST"
	// EnvCache is where set-up puts what it obtains. Defaults to
	// $HOME/.cache/puenktlich.
	EnvCache = "PUENKTLICH_CACHE"
)

// ErrNotFound says that no XGBoost library is on the machine.
var ErrNotFound = errors.New("no XGBoost library (libxgboost.so) found; run `make setup`, or name one in " + EnvLibrary)

// systemPatterns are where distributions install the library.
var systemPatterns = []string{
	"/usr/local/lib/libxgboost.so*",
	"/usr/lib/*-linux-gnu/libxgboost.so*",
	"/usr/lib64/libxgboost.so*",
	"/usr/lib/libxgboost.so*",
}

// cachePatterns are where set-up leaves it, below the cache: out of a Debian
// package, or out of a Python wheel.
var cachePatterns = []string{
	"lib/xgboost-*/usr/lib/*/libxgboost.so*",
	"lib/xgboost-*/xgboost/lib/libxgboost.so",
	"lib/xgboost-*/libxgboost.so*",
}

// Locate gives the path of the XGBoost library: the file that EnvLibrary names,
// else the system's, else the one set-up obtained. The error is [ErrNotFound]
// if there is none.
func Locate() (string, error) {
	if path := os.Getenv(EnvLibrary); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("locate XGBoost library named by %s: %w; run `make setup`", EnvLibrary, err)
		}
		return path, nil
	}
	patterns := slices.Clone(systemPatterns)
	if cache := cacheDir(); cache != "" {
		for _, pattern := range cachePatterns {
			patterns = append(patterns, filepath.Join(cache, pattern))
		}
	}
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil // sorted: the shortest name of the oldest version
		}
	}
	return "", ErrNotFound
}

func cacheDir() string {
	if cache := os.Getenv(EnvCache); cache != "" {
		return cache
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".cache", "puenktlich")
}
