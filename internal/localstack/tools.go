package localstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"puenktlich/internal/atomicfile"
)

// toolsFreeBytes is what the built tools and their temporary copy take.
const toolsFreeBytes = 512 * mebibyte

// tool is one program built from tools/go.mod.
type tool struct{ name, version string }

var goTools = []tool{
	{"temporal", TemporalVersion},
	{"versitygw", VersitygwVersion},
	{"workflowcheck", WorkflowcheckVersion},
}

func (t tool) String() string { return t.name + " " + t.version }

// tools finds or builds the Go tools: those of ToolsDir, else the ones last
// built into the cache, else those on PATH.
func (s *setup) tools(ctx context.Context, c *Components) error {
	dir, err := s.toolsBinDir(ctx)
	if errors.Is(err, errNoProgram) {
		return s.toolsOnPath(c, err)
	}
	if err != nil {
		return err
	}
	c.Temporal = filepath.Join(dir, goTools[0].name)
	c.Versitygw = filepath.Join(dir, goTools[1].name)
	c.Workflowcheck = filepath.Join(dir, goTools[2].name)
	return nil
}

// toolsBinDir returns the cache directory that holds all tools, building them
// if need be. The error is errNoProgram when there is nothing to build from or
// nothing to build with.
func (s *setup) toolsBinDir(ctx context.Context) (string, error) {
	key, err := toolsKey(s.ToolsDir)
	if errors.Is(err, os.ErrNotExist) {
		if dir := s.latestTools(); dir != "" {
			s.sayTools("present, as last built")
			return dir, nil
		}
		return "", fmt.Errorf("there is no %s to build them from: %w", filepath.Join(s.ToolsDir, "go.mod"), errNoProgram)
	}
	if err != nil {
		return "", fmt.Errorf("tools: %w", err)
	}
	dir := filepath.Join(s.CacheDir, "bin", key)
	if holdsTools(dir) {
		s.sayTools("present")
	} else if err := s.buildTools(ctx, dir); err != nil {
		return "", err
	}
	return dir, s.rememberTools(key)
}

// rememberTools writes the name of the directory in use to bin/latest, for the
// Makefile and for runs outside a checkout.
func (s *setup) rememberTools(key string) error {
	path := filepath.Join(s.CacheDir, "bin", "latest")
	if raw, err := os.ReadFile(path); err == nil && string(raw) == key+"\n" {
		return nil
	}
	return atomicfile.Write(path, 0o644, []byte(key+"\n"))
}

func (s *setup) sayTools(what string) {
	for _, t := range goTools {
		s.out.Printf("%s: %s", t, what)
	}
}

// toolsKey identifies what a build of the tools would give: pinned modules, Go
// version, platform. workflowcheck must be built by a Go no older than the code
// it checks, hence the Go version.
func toolsKey(dir string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		_, _ = h.Write(raw)
	}
	_, _ = fmt.Fprintf(h, "%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func holdsTools(dir string) bool {
	for _, t := range goTools {
		if !exists(filepath.Join(dir, t.name)) {
			return false
		}
	}
	return true
}

func (s *setup) latestTools() string {
	raw, err := os.ReadFile(filepath.Join(s.CacheDir, "bin", "latest"))
	if err != nil {
		return ""
	}
	dir := filepath.Join(s.CacheDir, "bin", filepath.Base(strings.TrimSpace(string(raw))))
	if !holdsTools(dir) {
		return ""
	}
	return dir
}

// buildTools builds all tools into dir, which appears whole or not at all.
func (s *setup) buildTools(ctx context.Context, dir string) error {
	goCommand, err := s.run.look("go")
	if err != nil {
		return fmt.Errorf("the Go command to build them is not installed: %w", errNoProgram)
	}
	bin := filepath.Dir(dir)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	if err := checkFree(bin, toolsFreeBytes); err != nil {
		return fmt.Errorf("tools: %w; or set %s to a directory on another disk", err, SettingCacheDir)
	}
	tmp, err := os.MkdirTemp(bin, ".build-")
	if err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	return s.compile(ctx, goCommand, tmp, dir)
}

func (s *setup) compile(ctx context.Context, goCommand, tmp, dir string) error {
	s.sayTools("building (about 3 min the first time)…")
	began := time.Now()
	_, err := s.run.run(ctx, command{
		dir:  s.ToolsDir,
		env:  []string{"CGO_ENABLED=0", "GOWORK=off"},
		name: goCommand,
		args: []string{"build", "-ldflags=-s -w", "-o", tmp + string(filepath.Separator), "tool"},
	})
	if err != nil {
		return fmt.Errorf("build of temporal, versitygw and workflowcheck: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	// An incomplete directory of that name, should there be one, is replaced.
	if err := errors.Join(os.RemoveAll(dir), os.Rename(tmp, dir)); err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	s.sayTools(fmt.Sprintf("built in %.0f s", time.Since(began).Seconds()))
	return nil
}

// toolsOnPath takes the tools the machine has, in whatever version. The static
// check may be missing: running needs the two servers alone.
func (s *setup) toolsOnPath(c *Components, why error) error {
	var errs []error
	for i, dst := range []*string{&c.Temporal, &c.Versitygw, &c.Workflowcheck} {
		t := goTools[i]
		path, err := s.run.look(t.name)
		switch {
		case err == nil:
			*dst = path
			s.out.Printf("%s: %s found on PATH, taken in place of the pinned %s", t.name, path, t.version)
		case t.name == "workflowcheck":
			s.out.Printf("%s: absent; only `make test` needs it", t)
		default:
			errs = append(errs, fmt.Errorf("%s is neither in %s nor on PATH, and %w: install Go and run set-up in the checkout, or put %s on PATH", t, s.CacheDir, why, t.name))
		}
	}
	return errors.Join(errs...)
}
