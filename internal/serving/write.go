package serving

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// written is a forecast in JSON, taken apart where each answer has something of
// its own. It is made once, for the first who wants it.
type written struct {
	once sync.Once
	// head goes from the stop to the age of what is known, tail from there to the end.
	head, tail []byte
	err        error
}

// What every forecast begins with, and where its age stands.
var (
	beforeStop = []byte(`{"prediction_id":"","request_id":"",`)
	ageless    = []byte(`"data_age_seconds":null`)
)

// of writes the forecast without ids and age.
func (w *written) of(f Forecast) {
	f.PredictionID, f.RequestID, f.DataAgeSeconds = "", "", nil
	body, err := json.Marshal(f)
	if err != nil {
		w.err = fmt.Errorf("write forecast of %s: %w", f.StopID, err)
		return
	}
	rest, begins := bytes.CutPrefix(body, beforeStop)
	head, tail, found := bytes.Cut(rest, ageless) // within a string its quotes would be escaped
	if !begins || !found {
		w.err = fmt.Errorf("write forecast of %s: %q lacks ids or age", f.StopID, body)
		return
	}
	w.head, w.tail = head, tail
}

// AppendJSON appends the forecast as json.Marshal writes it. What answers for the
// same event within the same second share is written once for all of them.
func (f *Forecast) AppendJSON(dst []byte) ([]byte, error) {
	if f.opinion == nil {
		body, err := json.Marshal(f)
		return append(dst, body...), err
	}
	w := &f.opinion.plain
	if len(f.Reasons) > 0 {
		w = &f.opinion.withReasons
	}
	w.once.Do(func() { w.of(*f) })
	if w.err != nil {
		return dst, w.err
	}
	dst = appendText(append(dst, `{"prediction_id":`...), f.PredictionID)
	dst = appendText(append(dst, `,"request_id":`...), f.RequestID)
	dst = append(append(dst, ','), w.head...)
	dst = append(dst, `"data_age_seconds":`...)
	dst, err := appendNumber(dst, f.DataAgeSeconds)
	return append(dst, w.tail...), err
}

// appendText writes an id; what needs an escape is left to the library.
func appendText(dst []byte, id string) []byte {
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			body, _ := json.Marshal(id) // of a string it cannot fail
			return append(dst, body...)
		}
	}
	return append(append(append(dst, '"'), id...), '"')
}

// appendNumber writes a number of ordinary size; another one is left to the
// library.
func appendNumber(dst []byte, number *float64) ([]byte, error) {
	if number != nil && (*number == 0 || 1e-6 <= *number && *number < 1e21) {
		return strconv.AppendFloat(dst, *number, 'f', -1, 64), nil
	}
	body, err := json.Marshal(number)
	return append(dst, body...), err
}
