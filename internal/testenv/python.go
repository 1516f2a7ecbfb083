package testenv

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"puenktlich/internal/localstack"
)

// installWithin bounds what the first run of a test with outside programs pays.
const installWithin = 4 * time.Minute

// Python answers an interpreter, and what to put on its PYTHONPATH for the packages:
// they are kept in set-up's cache under a name, which has to change with them. The
// first call obtains them with pip. Half an installation is never used: it is made
// beside and renamed.
func Python(ctx context.Context, name string, packages ...string) (python, path string, err error) {
	if python, err = exec.LookPath("python3"); err != nil {
		return "", "", err
	}
	cache, err := localstack.DefaultCacheDir(os.Getenv)
	if err != nil {
		return "", "", err
	}
	path = filepath.Join(cache, name)
	if _, err := os.Stat(path); err == nil {
		return python, path, nil
	}
	return python, path, install(ctx, python, path, packages)
}

func install(ctx context.Context, python, path string, packages []string) error {
	cache := filepath.Dir(path)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(cache, ".python-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	ctx, cancel := context.WithTimeout(ctx, installWithin)
	defer cancel()
	arguments := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", temporary}, packages...)
	pip := exec.CommandContext(ctx, python, arguments...)
	pip.WaitDelay = 10 * time.Second // its own children keep the output open when it is killed
	if out, err := pip.CombinedOutput(); err != nil {
		return errors.Join(err, ctx.Err(), errors.New(strings.TrimSpace(string(out))))
	}
	return os.Rename(temporary, path)
}
