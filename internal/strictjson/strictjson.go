// Package strictjson reads JSON documents of this program's own making: what they hold
// beyond what is asked for is an error, so that a misspelt or newer field is not lost in
// silence.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// errMore: a document is one value.
var errMore = errors.New("something follows the JSON value, remove it")

// Unmarshal reads one JSON value into what into points at, as encoding/json does. A field
// that it does not have is an error, and so is anything but white space after the value;
// what was read by then stays in it.
func Unmarshal(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errMore
	}
	return nil
}
