package meter

import (
	"bytes"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// Machine is what of processor, system and linked libraries may explain why a
// run differs, by name; what the system does not tell is left out. The caller
// may change it.
func Machine() map[string]string { return maps.Clone(machine()) }

// machine is the part of the environment that no process changes.
var machine = sync.OnceValue(func() map[string]string {
	known := map[string]string{"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": strconv.Itoa(runtime.NumCPU())}
	if name := firstValue("/proc/cpuinfo", "model name", ":"); name != "" {
		known["cpu"] = name
	}
	if name := firstValue("/etc/os-release", "PRETTY_NAME", "="); name != "" {
		known["system"] = strings.Trim(name, `"`)
	}
	build, found := debug.ReadBuildInfo()
	if !found {
		return known
	}
	for _, module := range build.Deps {
		if name := library(module.Path); name != "" {
			known[name] = module.Version
		}
	}
	return known
})

// library names the modules through which data and work pass.
func library(path string) string {
	switch {
	case strings.HasPrefix(path, "github.com/apache/arrow/go"):
		return "arrow"
	case path == "go.temporal.io/sdk":
		return "temporal-sdk"
	}
	return ""
}

// firstValue reads the first line "name separator value" of a file, nothing
// where there is none.
func firstValue(path, name, separator string) string {
	body, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(body) {
		key, value, found := strings.Cut(string(line), separator)
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
