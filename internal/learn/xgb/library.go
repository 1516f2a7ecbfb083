// Package xgb trains boosted trees with the XGBoost library, which it loads
// without cgo, and asks the library for predictions to compare ours with.
//
// Data comes in batches and is never held whole: the library keeps one byte a
// value, its histogram bin. Missing values (NaN) are replaced by
// [forest.Sentinel] on entry. Training is deterministic for the same data,
// parameters and number of threads, whatever the size of the batches.
//
// Memory belongs to whoever allocated it: the library's results are copied
// before a function returns, and handles are freed. The library keeps its last
// error and its results per thread, so each function here holds on to its
// thread from call to copy.
package xgb

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Library is a loaded libxgboost. It stays loaded until the process ends and
// may be used by several goroutines; each training uses Params.Threads threads.
type Library struct {
	path    string
	version string
	c       symbols
}

// symbols are the C functions of xgboost/c_api.h that are used. Handles and
// results are unsafe.Pointer; unless stated otherwise 0 means success.
type symbols struct {
	version          func(major, minor, patch *int32)
	lastError        func() string
	proxyCreate      func(out *unsafe.Pointer) int32
	proxySetDense    func(proxy unsafe.Pointer, array string) int32
	quantileCreate   func(iter uintptr, proxy, reference unsafe.Pointer, reset, next uintptr, config string, out *unsafe.Pointer) int32
	denseCreate      func(array, config string, out *unsafe.Pointer) int32
	matrixSetInfo    func(matrix unsafe.Pointer, field, array string) int32
	matrixRows       func(matrix unsafe.Pointer, out *uint64) int32
	matrixFree       func(matrix unsafe.Pointer) int32
	boosterCreate    func(matrices *unsafe.Pointer, n uint64, out *unsafe.Pointer) int32
	boosterFree      func(booster unsafe.Pointer) int32
	boosterSlice     func(booster unsafe.Pointer, begin, end, step int32, out *unsafe.Pointer) int32
	boosterSetParam  func(booster unsafe.Pointer, name, value string) int32
	boosterSetAttr   func(booster unsafe.Pointer, key, value string) int32
	boosterUpdate    func(booster unsafe.Pointer, round int32, matrix unsafe.Pointer) int32
	boosterEvaluate  func(booster unsafe.Pointer, round int32, matrices *unsafe.Pointer, names **byte, n uint64, out *unsafe.Pointer) int32
	boosterPredict   func(booster, matrix unsafe.Pointer, config string, shape *unsafe.Pointer, dimensions *uint64, out *unsafe.Pointer) int32
	boosterLoad      func(booster, data unsafe.Pointer, n uint64) int32
	boosterSave      func(booster unsafe.Pointer, config string, n *uint64, out *unsafe.Pointer) int32
	boosterSaveState func(booster unsafe.Pointer, n *uint64, out *unsafe.Pointer) int32
}

// table gives the C name of each function.
func (s *symbols) table() map[string]any {
	return map[string]any{
		"XGBoostVersion":                      &s.version,
		"XGBGetLastError":                     &s.lastError,
		"XGProxyDMatrixCreate":                &s.proxyCreate,
		"XGProxyDMatrixSetDataDense":          &s.proxySetDense,
		"XGQuantileDMatrixCreateFromCallback": &s.quantileCreate,
		"XGDMatrixCreateFromDense":            &s.denseCreate,
		"XGDMatrixSetInfoFromInterface":       &s.matrixSetInfo,
		"XGDMatrixNumRow":                     &s.matrixRows,
		"XGDMatrixFree":                       &s.matrixFree,
		"XGBoosterCreate":                     &s.boosterCreate,
		"XGBoosterFree":                       &s.boosterFree,
		"XGBoosterSlice":                      &s.boosterSlice,
		"XGBoosterSetParam":                   &s.boosterSetParam,
		"XGBoosterSetAttr":                    &s.boosterSetAttr,
		"XGBoosterUpdateOneIter":              &s.boosterUpdate,
		"XGBoosterEvalOneIter":                &s.boosterEvaluate,
		"XGBoosterPredictFromDMatrix":         &s.boosterPredict,
		"XGBoosterLoadModelFromBuffer":        &s.boosterLoad,
		"XGBoosterSaveModelToBuffer":          &s.boosterSave,
		"XGBoosterSaveJsonConfig":             &s.boosterSaveState,
	}
}

// Open loads the libxgboost.so at path, version 1.7 or later. Libraries it
// needs may lie beside it.
func Open(path string) (*Library, error) {
	handle, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("load XGBoost library %s: %w; run `make setup`, or set %s", path, err, EnvLibrary)
	}
	l := &Library{path: path}
	for name, function := range l.c.table() {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("load XGBoost library %s: no function %s, so not version 1.7 or later (%w); run `make setup`", path, name, err)
		}
		purego.RegisterFunc(function, address)
	}
	var major, minor, patch int32
	l.c.version(&major, &minor, &patch)
	l.version = fmt.Sprintf("%d.%d.%d", major, minor, patch)
	return l, nil
}

// companions are libraries that Debian's libxgboost needs and a bare image may
// lack; they are taken from beside it. libdmlc itself needs libgomp.
var companions = []string{"libgomp.so.1", "libdmlc.so.0"}

// letThreadsSleep has the threads of OpenMP, which reads its environment when
// it is loaded, wait without spinning, unless OMP_WAIT_POLICY says otherwise.
// Spinning doubles to trebles the time of a training on a machine whose cores
// are shared, and gains little on one of its own.
func letThreadsSleep() {
	address, err := purego.Dlsym(purego.RTLD_DEFAULT, "setenv")
	if err != nil {
		return // a C library without it trains all the same
	}
	var setenv func(name, value string, overwrite int32) int32
	purego.RegisterFunc(&setenv, address)
	setenv("OMP_WAIT_POLICY", "passive", 0)
}

// load opens the library, if need be after the companions beside it.
func load(path string) (uintptr, error) {
	letThreadsSleep()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err == nil {
		return handle, nil
	}
	for _, name := range companions {
		// One that is absent here may be installed; if not, the next line says so.
		_, _ = purego.Dlopen(filepath.Join(filepath.Dir(path), name), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	}
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

// Version is the version of the library, e.g. "1.7.4".
func (l *Library) Version() string { return l.version }

// Path is the file the library was loaded from.
func (l *Library) Path() string { return l.path }

// check turns a return code into an error. The caller has locked its thread
// since before the call: the message belongs to the thread.
func (l *Library) check(operation string, code int32) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%s: XGBoost %s: %w", operation, l.version, errors.New(firstLines(l.c.lastError())))
}

// onThread runs f on one thread of the operating system.
func onThread(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}

// firstLines cuts a message of the library before its stack trace.
func firstLines(message string) string {
	for i := range message {
		if message[i] == '\n' && i > 0 {
			if rest := message[i:]; len(rest) > 12 && rest[:12] == "\nStack trace" {
				return message[:i]
			}
		}
	}
	return message
}
