package chengine

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// minFreeBytes is what must be free to start: an engine that cannot write its
// own metadata stops halfway through and says so badly.
const minFreeBytes = 64 << 20

// prepareDataDir makes the directory and checks that an engine can use it.
func prepareDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("ClickHouse data directory: %w", err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("ClickHouse data directory %s: free space: %w", dir, err)
	}
	if err := checkFree(dir, fs.Bavail*uint64(fs.Bsize)); err != nil {
		return err
	}
	return checkUnlocked(dir)
}

func checkFree(dir string, freeBytes uint64) error {
	if freeBytes >= minFreeBytes {
		return nil
	}
	return fmt.Errorf("disk full: %d MiB are free for ClickHouse data directory %s and %d MiB are needed to start; free some space or name another directory", freeBytes>>20, dir, minFreeBytes>>20)
}

// checkUnlocked looks at the file that every ClickHouse engine locks while it
// uses a directory, and names the process that holds it.
func checkUnlocked(dir string) error {
	path := filepath.Join(dir, "status")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ClickHouse data directory: %w", err)
	}
	defer file.Close()
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("ClickHouse data directory %s is locked by another engine (%s): stop that one or name another directory", dir, lockHolder(path))
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
}

// lockHolder reads "PID: n" from the status file.
func lockHolder(path string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if pid, ok := strings.CutPrefix(strings.TrimSpace(line), "PID: "); ok {
			return "process " + pid
		}
	}
	return "process unknown"
}

// configuration is the part of ClickHouse's server configuration that the
// engine honours. Element names are ClickHouse's.
type configuration struct {
	XMLName         xml.Name `xml:"clickhouse"`
	MaxMemoryBytes  uint64   `xml:"max_server_memory_usage,omitempty"`
	MarkCacheBytes  uint64   `xml:"mark_cache_size"`
	UsersConfigPath string   `xml:"users_config"`
}

// markCacheBytes replaces 5 GiB: the data of one machine needs far less.
const markCacheBytes = 256 << 20

// users gives the one user of the library every right but FILE and SQLITE (any
// file of this machine could be read and written), TABLE ENGINE (implied for
// engines that need no such right) and the rights on other database servers.
const users = `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <grants><query>GRANT CHECK, SHOW, SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, BACKUP, KILL QUERY, SYSTEM, dictGet, INTROSPECTION, S3, URL ON *.*</query></grants>
  </default></users>
</clickhouse>
`

// writeConfig puts the engine's configuration into the data directory, anew at
// every start, and returns the path of the main file.
func writeConfig(opts Options) (string, error) {
	path := filepath.Join(opts.DataDir, "engine-config.xml")
	usersPath := filepath.Join(opts.DataDir, "engine-users.xml")
	text, err := xml.MarshalIndent(configuration{
		MaxMemoryBytes: opts.MaxMemoryBytes, MarkCacheBytes: markCacheBytes, UsersConfigPath: usersPath,
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("ClickHouse engine configuration: %w", err)
	}
	for file, content := range map[string][]byte{path: text, usersPath: []byte(users)} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", startError(opts.DataDir, err)
		}
	}
	return path, nil
}

func startError(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("disk full: no space left for ClickHouse data directory %s: %w", dir, err)
	}
	return fmt.Errorf("ClickHouse engine configuration: %w", err)
}
