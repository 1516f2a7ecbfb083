package xgb

import (
	"encoding/json"
	"fmt"
	"runtime"
	"unsafe"
)

// Kind is what a prediction gives.
type Kind int

// Kinds of predictions.
const (
	// Margin is the raw score: rows x classes.
	Margin Kind = iota + 1
	// Probability is after sigmoid or softmax: rows x classes.
	Probability
	// contribution is the exact Shapley values: rows x classes x (columns + 1).
	contribution
)

// predictType is the library's number of a kind.
var predictType = map[Kind]int{Probability: 0, Margin: 1, contribution: 2}

// Predict gives the library's predictions for rows (row-major, NaN is missing)
// under a model: rows x classes values, one class for a binary model. It loads
// the model each time: it is there to compare our evaluation with.
func (l *Library) Predict(model []byte, rows []float32, columns int, kind Kind) ([]float32, error) {
	if _, ok := predictType[kind]; !ok {
		return nil, fmt.Errorf("predict: kind %d; want Margin or Probability", kind)
	}
	if columns < 1 || len(rows) == 0 || len(rows)%columns != 0 {
		return nil, fmt.Errorf("predict: %d values in %d columns are not whole rows", len(rows), columns)
	}
	known := make([]float32, len(rows))
	if err := fillKnown(known, rows, columns, 0); err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	var out []float32
	err := onThread(func() (err error) {
		out, err = l.predict(model, known, columns, kind)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	return out, nil
}

// Contributions gives the library's exact Shapley values (pred_contribs) for
// rows: rows x classes x (columns + 1) values, the last of each class being the
// mean margin.
func (l *Library) Contributions(model []byte, rows []float32, columns int) ([]float32, error) {
	return l.Predict(model, rows, columns, contribution)
}

func (l *Library) predict(model []byte, rows []float32, columns int, kind Kind) ([]float32, error) {
	var data, booster unsafe.Pointer
	var pinned runtime.Pinner
	defer pinned.Unpin()
	pinned.Pin(&rows[0])
	if err := l.check("create matrix", l.c.denseCreate(arrayInterface(rows, columns), `{"missing":NaN}`, &data)); err != nil {
		return nil, err
	}
	defer l.c.matrixFree(data)
	if err := l.check("create booster", l.c.boosterCreate(nil, 0, &booster)); err != nil {
		return nil, err
	}
	defer l.c.boosterFree(booster)
	if err := l.loadModel(booster, model); err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`{"type":%d,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true}`, predictType[kind])
	var shape, values unsafe.Pointer
	var dimensions uint64
	code := l.c.boosterPredict(booster, data, config, &shape, &dimensions, &values)
	if err := l.check("evaluate model", code); err != nil {
		return nil, err
	}
	n := 1
	for _, size := range unsafe.Slice((*uint64)(shape), dimensions) {
		n *= int(size)
	}
	out := make([]float32, n)
	copy(out, unsafe.Slice((*float32)(values), n))
	return out, nil
}

func (l *Library) loadModel(booster unsafe.Pointer, model []byte) error {
	// Later versions take a truncated file without complaint.
	if !json.Valid(model) {
		return fmt.Errorf("load model: %d bytes are not a JSON document", len(model))
	}
	return l.check("load model", l.c.boosterLoad(booster, unsafe.Pointer(&model[0]), uint64(len(model))))
}

func (l *Library) saveModel(booster unsafe.Pointer) ([]byte, error) {
	var n uint64
	var data unsafe.Pointer
	if err := l.check("save model", l.c.boosterSave(booster, `{"format":"json"}`, &n, &data)); err != nil {
		return nil, err
	}
	return copyBytes(data, n), nil
}

func copyBytes(data unsafe.Pointer, n uint64) []byte {
	out := make([]byte, n)
	copy(out, unsafe.Slice((*byte)(data), n))
	return out
}

// goString copies a C string.
func goString(text unsafe.Pointer) string {
	n := 0
	for *(*byte)(unsafe.Add(text, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(text), n))
}
