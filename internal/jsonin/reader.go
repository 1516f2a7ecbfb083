package jsonin

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// maxDepth bounds nesting.
const maxDepth = 64

// Error is what is wrong and where.
type Error struct {
	Offset int // bytes before it
	Detail string
}

// Error names the byte.
func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Detail) }

// Kind is what the next value is.
type Kind string

// Kinds of values.
const (
	KindObject Kind = "an object"
	KindArray  Kind = "an array"
	KindString Kind = "a string"
	KindNumber Kind = "a number"
	KindBool   Kind = "true or false"
	KindNull   Kind = "null"
	KindNone   Kind = "the end"
)

// Reader reads one document. Its methods each take the next value whole, and
// fail with an *Error; after a failure it is of no more use.
type Reader struct {
	data  []byte
	at    int
	depth int
}

// New reads data, which stays unchanged and unkept.
func New(data []byte) *Reader { return &Reader{data: data} }

// Offset is how many bytes have been read.
func (r *Reader) Offset() int { return r.at }

// Rest is how many bytes are left.
func (r *Reader) Rest() int { return len(r.data) - r.at }

// From answers another reader of the same document that begins at a value
// before which this one stood.
func (r *Reader) From(offset int) *Reader { return &Reader{data: r.data, at: offset} }

// Wrong makes an error at the present place.
func (r *Reader) Wrong(format string, args ...any) error {
	return &Error{r.at, fmt.Sprintf(format, args...)}
}

// Next says what the next value is, or an error where none begins.
func (r *Reader) Next() (Kind, error) {
	r.space()
	if r.at == len(r.data) {
		return KindNone, r.Wrong("the document ends where a value should begin")
	}
	switch c := r.data[r.at]; {
	case c == '{':
		return KindObject, nil
	case c == '[':
		return KindArray, nil
	case c == '"':
		return KindString, nil
	case c == '-' && r.word("-Infinity"), c == 'N' && r.word("NaN"), c == 'I' && r.word("Infinity"):
		return KindNone, r.Wrong("NaN and Infinity are no JSON: write null for a value that is not known, or send the numbers in binary")
	case c == '-' || c >= '0' && c <= '9':
		return KindNumber, nil
	case c == 't', c == 'f':
		return KindBool, nil
	case c == 'n':
		return KindNull, nil
	default:
		return KindNone, r.Wrong("%q begins no value", c)
	}
}

// want fails where the next value is of another kind.
func (r *Reader) want(kind Kind) error {
	next, err := r.Next()
	if err != nil {
		return err
	}
	if next != kind {
		return r.Wrong("%s where %s should be", next, kind)
	}
	return nil
}

// End fails where something follows the document.
func (r *Reader) End() error {
	if r.space(); r.at < len(r.data) {
		return r.Wrong("something follows the document")
	}
	return nil
}

// Object takes an object: field is called before each value and must take it.
// The name is only valid during the call.
func (r *Reader) Object(field func(name []byte) error) error {
	if err := r.want(KindObject); err != nil {
		return err
	}
	var seen names
	return r.list('}', func(int) error {
		start := r.at
		name, err := r.text()
		if err != nil {
			return err
		}
		if seen.again(name) {
			return &Error{start, fmt.Sprintf("%q is there twice", name)}
		}
		if r.space(); r.at == len(r.data) || r.data[r.at] != ':' {
			return r.Wrong("a colon should follow %q", name)
		}
		r.at++
		return field(name)
	})
}

// Array takes an array: item is called before each value and must take it.
func (r *Reader) Array(item func(i int) error) error {
	if err := r.want(KindArray); err != nil {
		return err
	}
	return r.list(']', item)
}

// list takes what stands between brackets.
func (r *Reader) list(closing byte, item func(i int) error) error {
	if r.depth++; r.depth > maxDepth {
		return r.Wrong("nested more than %d deep", maxDepth)
	}
	defer func() { r.depth-- }()
	r.at++
	if r.space(); r.at < len(r.data) && r.data[r.at] == closing {
		r.at++
		return nil
	}
	for i := 0; ; i++ {
		if err := item(i); err != nil {
			return err
		}
		r.space()
		switch {
		case r.at == len(r.data):
			return r.Wrong("the document ends before %q", closing)
		case r.data[r.at] == closing:
			r.at++
			return nil
		case r.data[r.at] != ',':
			return r.Wrong("%q where a comma or %q should be", r.data[r.at], closing)
		}
		r.at++
		r.space()
	}
}

// Skip takes a value of any kind.
func (r *Reader) Skip() error {
	kind, err := r.Next()
	if err != nil {
		return err
	}
	switch kind {
	case KindObject:
		return r.Object(func([]byte) error { return r.Skip() })
	case KindArray:
		return r.Array(func(int) error { return r.Skip() })
	case KindString:
		_, err = r.text()
	case KindNumber:
		_, err = r.Number()
	case KindBool:
		_, err = r.Bool()
	default:
		err = r.Null()
	}
	return err
}

// Text takes a string.
func (r *Reader) Text() (string, error) {
	text, err := r.text()
	return string(text), err
}

// Bool takes true or false.
func (r *Reader) Bool() (bool, error) {
	if err := r.want(KindBool); err != nil {
		return false, err
	}
	for word, value := range map[string]bool{"true": true, "false": false} {
		if r.word(word) {
			r.at += len(word)
			return value, nil
		}
	}
	return false, r.Wrong("neither true nor false")
}

// Null takes null.
func (r *Reader) Null() error {
	if err := r.want(KindNull); err != nil {
		return err
	}
	if !r.word("null") {
		return r.Wrong("no value begins like this")
	}
	r.at += len("null")
	return nil
}

// text takes a string; without escapes it aliases the document.
func (r *Reader) text() ([]byte, error) {
	if err := r.want(KindString); err != nil {
		return nil, err
	}
	start, plain := r.at, true
	for r.at++; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			r.at++
			return r.unquoted(start, plain)
		case c == '\\':
			plain = false
			r.at++
		case c < ' ':
			return nil, r.Wrong("a control character inside a string")
		}
	}
	r.at = len(r.data)
	return nil, r.Wrong("the document ends inside a string")
}

func (r *Reader) unquoted(start int, plain bool) ([]byte, error) {
	quoted := r.data[start:r.at]
	if plain && utf8.Valid(quoted) {
		return quoted[1 : len(quoted)-1], nil
	}
	var text string // escapes and broken UTF-8, which becomes U+FFFD, are rare
	if err := json.Unmarshal(quoted, &text); err != nil {
		return nil, &Error{start, "not a JSON string: " + err.Error()}
	}
	return []byte(text), nil
}

func (r *Reader) word(word string) bool {
	return len(r.data)-r.at >= len(word) && string(r.data[r.at:r.at+len(word)]) == word
}

func (r *Reader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// names are those of an object so far; few are compared, many looked up.
type names struct {
	few  []string
	many map[string]struct{}
}

const fewNames = 8

func (n *names) again(name []byte) bool {
	if n.many != nil {
		if _, found := n.many[string(name)]; found {
			return true
		}
		n.many[string(name)] = struct{}{}
		return false
	}
	for _, other := range n.few {
		if other == string(name) {
			return true
		}
	}
	if n.few = append(n.few, string(name)); len(n.few) > fewNames {
		n.many = map[string]struct{}{}
		for _, other := range n.few {
			n.many[other] = struct{}{}
		}
	}
	return false
}
