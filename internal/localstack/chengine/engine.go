package chengine

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// killEvery is the pause between two attempts to kill a statement whose client
// is gone: a statement can be missed while it is being planned.
const killEvery = 100 * time.Millisecond

// engine is the running database of this process.
type engine struct {
	lib      *library
	dir      string
	version  string
	timezone string

	mu    sync.Mutex
	admin *connection // nil once closed; while open it keeps the engine alive
}

// openEngine checks the data directory, loads the library and starts the
// engine on it. It works once in a process.
func openEngine(opts Options) (*engine, error) {
	if err := prepareDataDir(opts.DataDir); err != nil {
		return nil, err
	}
	config, err := writeConfig(opts)
	if err != nil {
		return nil, err
	}
	lib, err := openLibrary(opts.LibraryPath)
	if err != nil {
		return nil, err
	}
	// Before the first connection: the library's handlers would replace those
	// of the Go runtime, and a recovered nil dereference would then hang.
	lib.setSignalHandlers(0)
	e := &engine{lib: lib, dir: opts.DataDir}
	if e.admin = dial(lib, append(e.arguments(), "--config-file="+config, "--log-level=warning")); e.admin == nil {
		return nil, fmt.Errorf("ClickHouse engine does not start on data directory %s: the library wrote the reason to standard error; the usual ones are missing write permission, a full disk, and a directory written by a newer version", opts.DataDir)
	}
	if err := e.prepare(); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *engine) arguments() []string {
	return []string{"puenktlich-engine", "--path=" + e.dir, "--implicit_select=0"}
}

// prepare creates the default database and reads what the greeting needs.
func (e *engine) prepare() error {
	if err := e.admin.exec("CREATE DATABASE IF NOT EXISTS " + DefaultDatabase + " ENGINE = Atomic"); err != nil {
		return fmt.Errorf("create database %s in %s: %w", DefaultDatabase, e.dir, err)
	}
	answer, err := e.admin.text("SELECT version(), timezone()")
	if err != nil {
		return fmt.Errorf("ask the ClickHouse engine for its version: %w", err)
	}
	var found bool
	if e.version, e.timezone, found = strings.Cut(strings.TrimSpace(answer), "\t"); !found {
		return fmt.Errorf("ask the ClickHouse engine for its version: unexpected answer %q", answer)
	}
	return nil
}

// settingName is what may stand before the equals sign of SET.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// setting is one name and value from a request, in the order they arrived.
type setting struct{ name, value string }

// connect opens a connection of its own for one request: settings, current
// database and temporary tables end with it.
func (e *engine) connect(database string, settings []setting) (*connection, error) {
	tag := rand.Text()
	prologue := strings.Builder{}
	fmt.Fprintf(&prologue, "USE %s; SET log_comment = %s", quoteName(database), quoteText(tag))
	for _, s := range settings {
		if !settingName.MatchString(s.name) {
			return nil, refuse(115, "UNKNOWN_SETTING", "Unknown setting %q.", s.name)
		}
		fmt.Fprintf(&prologue, ", %s = %s", s.name, quoteText(s.value))
	}
	con := dial(e.lib, e.arguments())
	if con == nil {
		return nil, refuse(codeLogicalError, "LOGICAL_ERROR", "The engine opens no further connection.")
	}
	con.tag = tag
	if err := con.exec(prologue.String()); err != nil {
		con.close()
		return nil, err
	}
	return con, nil
}

// guard kills the connection's statement when ctx ends, until stop is called.
// No C call interrupts a running one.
func (e *engine) guard(ctx context.Context, con *connection) (stop func()) {
	ended := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		tick := time.NewTicker(killEvery)
		defer tick.Stop()
		for {
			e.kill(con.tag)
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(ended)
		cancel()
	}
}

// kill ends the statement with this tag, if it runs. An error means that it
// does not run any more.
func (e *engine) kill(tag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.admin == nil {
		return
	}
	_ = e.admin.exec("KILL QUERY WHERE Settings['log_comment'] = " + quoteText(tag) + " ASYNC")
}

// close stops the engine. All connections but the engine's own must be closed.
func (e *engine) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.admin == nil {
		return
	}
	e.admin.close()
	e.admin = nil
	// It answers 1 whenever a MergeTree table was used, although everything is
	// closed: the answer tells nothing.
	e.lib.shutdown()
}

var textEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

func quoteText(s string) string { return "'" + textEscaper.Replace(s) + "'" }

var nameEscaper = strings.NewReplacer(`\`, `\\`, "`", "\\`")

func quoteName(s string) string { return "`" + nameEscaper.Replace(s) + "`" }
