package localstack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	// logKeepBytes is the size from which a child's log is set aside at its next
	// start, as <name>.log.1.
	logKeepBytes = 16 * mebibyte
	// logTailBytes and logTailLines bound what an error quotes.
	logTailBytes = 16 << 10
	logTailLines = 12
)

// childLog is the file a child writes its output to.
type childLog struct {
	path string
	file *os.File
}

func openChildLog(dir, name string) (*childLog, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("log directory: %w", err)
	}
	path := filepath.Join(dir, name+".log")
	if info, err := os.Stat(path); err == nil && info.Size() >= logKeepBytes {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &childLog{path: path, file: f}, nil
}

// size is where the next life's output begins.
func (l *childLog) size() int64 {
	info, err := l.file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// tail quotes the last lines written since offset from.
func (l *childLog) tail(from int64) string {
	f, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	from = max(from, l.size()-logTailBytes)
	raw, err := io.ReadAll(io.NewSectionReader(f, from, logTailBytes))
	lines := lastLines(string(raw), logTailLines)
	if (err != nil && !errors.Is(err, io.EOF)) || len(lines) == 0 {
		return fmt.Sprintf("it wrote nothing to %s", l.path)
	}
	return fmt.Sprintf("last lines of %s:\n%s", l.path, indent(lines))
}
