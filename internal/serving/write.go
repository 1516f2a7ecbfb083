package serving

import (
	"encoding/json"
	"fmt"
	"math"
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
	dst = append(append(append(dst, `{"prediction_id":"`...), f.PredictionID...), '"') // a UUID of ours
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

// plain are the bytes that JSON writes as they are, of those that ids are made of.
var plain = func() (set [256]bool) {
	for c := range set {
		set[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
	}
	return set
}()

// appendText writes an id; what needs an escape is left to the library.
func appendText(dst []byte, id string) []byte {
	for i := range len(id) {
		if !plain[id[i]] {
			body, _ := json.Marshal(id) // of a string it cannot fail
			return append(dst, body...)
		}
	}
	return append(append(append(dst, '"'), id...), '"')
}

// mostThousandths bounds what appendNumber writes: beyond it a float64 has not all of them.
const mostThousandths = 1e15

// appendNumber writes a number of whole thousandths, as ages are; another one is left to
// the library.
func appendNumber(dst []byte, number *float64) ([]byte, error) {
	if number == nil || *number < 0 || *number >= mostThousandths/1000 || float64(thousandths(*number))/1000 != *number {
		body, err := json.Marshal(number)
		return append(dst, body...), err
	}
	n := thousandths(*number)
	dst = strconv.AppendInt(dst, n/1000, 10)
	rest := n % 1000
	if rest == 0 {
		return dst, nil
	}
	dst = append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst, nil
}

func thousandths(number float64) int64 { return int64(math.Round(number * 1000)) }
