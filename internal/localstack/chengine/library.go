package chengine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is the part of libchdb's C interface (chdb.h of release 26.7) that
// the engine uses. Every field is one C function; C's int is int32 and size_t
// is uintptr. All pointers are owned by the library unless said otherwise.
type library struct {
	setSignalHandlers func(enabled int32)
	shutdown          func() int32
	version           func() string

	connect  func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeCon func(con unsafe.Pointer)
	classify func(h, sql unsafe.Pointer, n uintptr, db unsafe.Pointer, dbn uintptr, out *analysis) int32

	query  queryFunc
	stream queryFunc
	insert queryFunc

	fetch        func(h, stream unsafe.Pointer) unsafe.Pointer
	cancelStream func(h, stream unsafe.Pointer)

	appendInsert  func(insert, data unsafe.Pointer, n uintptr) int32
	doneInsert    func(insert unsafe.Pointer) unsafe.Pointer
	cancelInsert  func(insert unsafe.Pointer)
	insertError   func(insert unsafe.Pointer) string
	destroyInsert func(insert unsafe.Pointer)

	destroyResult func(result unsafe.Pointer)
	resultBuffer  func(result unsafe.Pointer) unsafe.Pointer
	resultLength  func(result unsafe.Pointer) uintptr
	resultError   func(result unsafe.Pointer) string
	rowsRead      func(result unsafe.Pointer) uint64
	bytesRead     func(result unsafe.Pointer) uint64
	rowsWritten   func(result unsafe.Pointer) uint64
	bytesWritten  func(result unsafe.Pointer) uint64
}

// queryFunc is the common shape of the three ..._with_params_n functions:
// handle, statement, format, then parallel arrays of parameter names and values.
type queryFunc func(h, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

// analysis mirrors chdb_query_analysis_v1.
type analysis struct {
	structSize     uint32
	statementCount uint32
	flags          uint32
	class          uint32
}

// Classes of chdb_query_class that the server tells apart.
const (
	classReadOnly = 0 // leaves no trace
	classControl  = 3 // session state, or writes outside the engine
)

// openLibrary loads libchdb from path and resolves every function. It may be
// called once in a process: the engine inside cannot be loaded twice.
func openLibrary(path string) (*library, error) {
	if err := checkLibrary(path); err != nil {
		return nil, err
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load ClickHouse engine library %s: %w; delete the file and run `make setup`", path, err)
	}
	lib := &library{}
	for name, target := range lib.symbols() {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("ClickHouse engine library %s has no function %s (%w): it is another version than this program needs; run `make setup`", path, name, err)
		}
		purego.RegisterFunc(target, address)
	}
	return lib, nil
}

func checkLibrary(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("ClickHouse engine library %s is missing: run `make setup`", path)
	case err != nil:
		return fmt.Errorf("ClickHouse engine library: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("ClickHouse engine library %s is not a regular file: run `make setup`", path)
	}
	return nil
}

// symbols maps C names to the fields they fill.
func (l *library) symbols() map[string]any {
	return map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_shutdown":                    &l.shutdown,
		"chdb_version":                     &l.version,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeCon,
		"chdb_classify_query_n":            &l.classify,
		"chdb_query_with_params_n":         &l.query,
		"chdb_stream_query_with_params_n":  &l.stream,
		"chdb_stream_insert_with_params_n": &l.insert,
		"chdb_stream_fetch_result":         &l.fetch,
		"chdb_stream_cancel_query":         &l.cancelStream,
		"chdb_stream_append":               &l.appendInsert,
		"chdb_stream_done":                 &l.doneInsert,
		"chdb_stream_cancel_insert":        &l.cancelInsert,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_destroy_insert_stream":       &l.destroyInsert,
		"chdb_destroy_query_result":        &l.destroyResult,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_error":                &l.resultError,
		"chdb_result_rows_read":            &l.rowsRead,
		"chdb_result_bytes_read":           &l.bytesRead,
		"chdb_result_rows_written":         &l.rowsWritten,
		"chdb_result_bytes_written":        &l.bytesWritten,
	}
}
