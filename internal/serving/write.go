package serving

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// written is a part of a forecast in JSON, made once, for the first who wants it.
type written struct {
	once sync.Once
	body []byte
	err  error
}

// of is the part as the library writes it.
func (w *written) of(part any) ([]byte, error) {
	w.once.Do(func() { w.body, w.err = json.Marshal(part) })
	return w.body, w.err
}

// AppendJSON appends the forecast as json.Marshal writes it. What answers for the
// same event within the same second share is written once for all of them.
func (f *Forecast) AppendJSON(dst []byte) ([]byte, error) {
	if f.opinion == nil {
		body, err := json.Marshal(f)
		return append(dst, body...), err
	}
	statement, err := f.opinion.writtenAnswer.of(f.Statement)
	if err != nil {
		return dst, fmt.Errorf("write forecast of %s: %w", f.StopID, err)
	}
	dst = appendText(append(dst, `{"prediction_id":`...), f.PredictionID)
	dst = appendText(append(dst, `,"request_id":`...), f.RequestID)
	if dst, err = appendNumber(append(dst, `,"data_age_seconds":`...), f.DataAgeSeconds); err != nil {
		return dst, err
	}
	dst = append(append(dst, ','), statement[1:len(statement)-1]...) // the object's braces are the forecast's
	if len(f.Reasons) > 0 {
		reasons, err := f.opinion.writtenReasons.of(f.Reasons)
		if err != nil {
			return dst, fmt.Errorf("write reasons of %s: %w", f.StopID, err)
		}
		dst = append(append(dst, `,"reasons":`...), reasons...)
	}
	return append(dst, '}'), nil
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
