package timetables

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxQuarantined bounds the list of one document; the last entry counts the rest.
const maxQuarantined = 1000

const excerptBytes = 120

// Quarantined is one part of a document that could not be used.
type Quarantined struct {
	File    string // name of the document, see Origin
	Element string // where, such as s[@id=1-2410291215-3]/ar/@ct
	Value   string // what stood there, cut to 120 bytes
	Reason  string // what is wrong and what was wanted
}

// Err is the part as an error of type *Error.
func (q Quarantined) Err() error { return &Error{Quarantined: q} }

// Error is the one error type of the parser.
type Error struct {
	Quarantined
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %q: %s", e.File, e.Element, e.Value, e.Reason)
}

// Err joins everything quarantined into one error, nil for a clean document.
// Use errors.As with *Error for its parts.
func (r Result) Err() error {
	errs := make([]error, 0, len(r.Quarantined))
	for _, q := range r.Quarantined {
		errs = append(errs, q.Err())
	}
	return errors.Join(errs...)
}

// excerpt cuts s to excerptBytes of valid UTF-8.
func excerpt(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 2*excerptBytes)], "\uFFFD")
	if len(s) <= excerptBytes {
		return s
	}
	cut := excerptBytes
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
