package chengine

import (
	"runtime"
	"strings"
	"unsafe"
)

// parameter is one {name:Type} value, TSV-escaped as the HTTP interface carries it.
type parameter struct{ name, value string }

// statement is one SQL statement with what the engine needs beside its text.
type statement struct {
	sql    string
	format string // output format of queries, input format of inserts
	params []parameter
}

// connection is one session inside the engine: its settings, current database
// and temporary tables. It runs one statement at a time and must be closed.
type connection struct {
	lib    *library
	con    unsafe.Pointer // chdb_connection*
	handle unsafe.Pointer // chdb_connection
	tag    string         // value of log_comment: finds the running statement to kill it
}

// dial opens a connection with command-line style arguments, or returns nil
// where the engine refuses (it tells the reason on standard error only).
func dial(lib *library, args []string) *connection {
	var pins runtime.Pinner
	defer pins.Unpin()
	argv := make([]*byte, len(args)+1)
	for i, arg := range args {
		text := append([]byte(strings.ReplaceAll(arg, "\x00", "")), 0)
		pins.Pin(&text[0])
		argv[i] = &text[0]
	}
	con := lib.connect(int32(len(args)), unsafe.Pointer(&argv[0]))
	if con == nil {
		return nil
	}
	return &connection{lib: lib, con: con, handle: *(*unsafe.Pointer)(con)}
}

func (c *connection) close() { c.lib.closeCon(c.con) }

// call runs one of the library's three statement functions.
func (c *connection) call(f queryFunc, s statement) unsafe.Pointer {
	var pins runtime.Pinner
	defer pins.Unpin()
	n := len(s.params)
	names, values := make([]*byte, n+1), make([]*byte, n+1)
	nameLens, valueLens := make([]uintptr, n+1), make([]uintptr, n+1)
	for i, p := range s.params {
		names[i], nameLens[i] = pinned(&pins, p.name)
		values[i], valueLens[i] = pinned(&pins, p.value)
	}
	sql, sqlLen := pinned(&pins, s.sql)
	format, formatLen := pinned(&pins, s.format)
	return f(c.handle, unsafe.Pointer(sql), sqlLen, unsafe.Pointer(format), formatLen,
		unsafe.Pointer(&names[0]), unsafe.Pointer(&nameLens[0]),
		unsafe.Pointer(&values[0]), unsafe.Pointer(&valueLens[0]), uintptr(n))
}

var empty byte // a valid address for texts of length 0

// pinned returns a C view of text that stays in place until the pins are lifted.
func pinned(pins *runtime.Pinner, text string) (*byte, uintptr) {
	if text == "" {
		return &empty, 0
	}
	p := unsafe.StringData(text)
	pins.Pin(p)
	return p, uintptr(len(text))
}

// query runs a statement to its end and returns the whole result, which the
// caller closes.
func (c *connection) query(s statement) (*result, error) {
	return c.checked(c.call(c.lib.query, s))
}

// exec runs statements of ours whose output does not matter.
func (c *connection) exec(sql string) error {
	r, err := c.query(statement{sql: sql, format: "TabSeparated"})
	if err != nil {
		return err
	}
	r.close()
	return nil
}

// text runs a statement and returns its tab separated output.
func (c *connection) text(sql string) (string, error) {
	r, err := c.query(statement{sql: sql, format: "TabSeparated"})
	if err != nil {
		return "", err
	}
	defer r.close()
	return string(r.bytes()), nil
}

// analyse tells how many statements sql holds and what they do. Text that does
// not parse yields zero statements.
func (c *connection) analyse(sql string) analysis {
	var pins runtime.Pinner
	defer pins.Unpin()
	text, n := pinned(&pins, sql)
	out := &analysis{}
	out.structSize = uint32(unsafe.Sizeof(*out))
	c.lib.classify(c.handle, unsafe.Pointer(text), n, nil, 0, out)
	return *out
}

// checked turns a C result into a result, or into its exception.
func (c *connection) checked(raw unsafe.Pointer) (*result, error) {
	if raw == nil {
		return nil, refuse(codeLogicalError, "LOGICAL_ERROR", "The engine returned no result.")
	}
	r := &result{lib: c.lib, raw: raw}
	if text := c.lib.resultError(raw); text != "" {
		r.close()
		return nil, parseException(text)
	}
	return r, nil
}
