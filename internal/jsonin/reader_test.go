package jsonin_test

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"puenktlich/internal/jsonin"
)

func valid(data []byte) error {
	r := jsonin.New(data)
	if err := r.Skip(); err != nil {
		return err
	}
	return r.End()
}

func TestBadDocumentsSayWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "at byte 0: the document ends where a value should begin",
		"[1,2":                  "at byte 4: the document ends before ']'",
		"[1 2]":                 "at byte 3: '2' where a comma or ']' should be",
		"[1,]":                  "at byte 3: ']' begins no value",
		"[NaN]":                 "at byte 1: NaN and Infinity are no JSON",
		"[-Infinity]":           "at byte 1: NaN and Infinity are no JSON",
		"[Infinity]":            "at byte 1: NaN and Infinity are no JSON",
		"[01]":                  "at byte 1: a number does not begin with 0",
		"[1.]":                  "at byte 3: a digit should follow the point",
		"[1e]":                  "at byte 3: a digit should be in the exponent",
		"[-]":                   "at byte 2: a digit should be here",
		"[1e999]":               "at byte 1: the number is too large",
		`{"a":1,"a":2}`:         `at byte 7: "a" is there twice`,
		`{"a" 1}`:               `at byte 5: a colon should follow "a"`,
		`{1:2}`:                 "at byte 1: a number where a string should be",
		`{"a":1} x`:             "at byte 8: something follows the document",
		`"abc`:                  "at byte 4: the document ends inside a string",
		"\"a\nb\"":              "at byte 2: a control character inside a string",
		`"\x"`:                  "at byte 0: not a JSON string",
		"tru":                   "at byte 0: neither true nor false",
		"nul":                   "at byte 0: no value begins like this",
		strings.Repeat("[", 99): "at byte 64: nested more than 64 deep",
	} {
		err := valid([]byte(text))
		if wrong := (*jsonin.Error)(nil); !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

// The float64 of a decimal is the nearest one, as strconv has it.
func TestNumbersAreTheNearest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "-0", "1", "-12", "0.1", "3.14159", "1e3", "1E-3", "9007199254740991", "9007199254740993", "123456789012345678901234567890",
		"0.000000000000000000000001", "1.7976931348623157e308", "5e-324", "0.30000000000000004", "99.99999999999999999999", "0.1000000000000000055511151231257827"} {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := jsonin.New([]byte(text)).Number(); err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
}

func TestTypedValues(t *testing.T) {
	t.Parallel()
	r := jsonin.New([]byte(` { "n\u0061me" : "w\"ert" , "i" : -42, "b": [true,false], "v": [null, 1.5] } `))
	var fields []string
	var truths []bool
	var values []float64
	err := r.Object(func(name []byte) error {
		fields = append(fields, string(name))
		switch string(name) {
		case "name":
			text, err := r.Text()
			fields = append(fields, text)
			return err
		case "i":
			i, err := r.Integer()
			values = append(values, float64(i))
			return err
		case "b":
			return r.Array(func(int) error { b, err := r.Bool(); truths = append(truths, b); return err })
		}
		return r.Array(func(int) error { v, err := r.Value(); values = append(values, v); return err })
	})
	if err == nil {
		err = r.End()
	}
	if err != nil || strings.Join(fields, " ") != `name w"ert i b v` || len(truths) != 2 || !truths[0] || truths[1] ||
		len(values) != 3 || values[0] != -42 || !math.IsNaN(values[1]) || values[2] != 1.5 {
		t.Errorf("%v %v %v %v", fields, truths, values, err)
	}
	for _, text := range []string{"1.0", "1e3", "9223372036854775808", `"1"`} {
		if _, err := jsonin.New([]byte(text)).Integer(); err == nil {
			t.Errorf("%s is taken as a whole number", text)
		}
	}
}

// What is accepted is what encoding/json accepts, but for repeated names and
// depth, and numbers have its bits.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,null,true,"x\n"]}`, `[1e5,-0.0,123456789012345678]`, `{"a":{"b":[]}}`, `[NaN]`, "\xff", `"\ud800"`, `[0.1e-7]`, `{"":0}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := valid(data)
		if err == nil && !json.Valid(data) {
			t.Fatalf("accepted %q, which is no JSON", data)
		}
		if err != nil && json.Valid(data) && !strings.Contains(err.Error(), "twice") && !strings.Contains(err.Error(), "deep") && !strings.Contains(err.Error(), "too large") {
			t.Fatalf("refused %q: %v", data, err)
		}
		var want float64
		if json.Unmarshal(data, &want) == nil && string(data) != "null" {
			if got, err := jsonin.New(data).Value(); err != nil && !strings.Contains(string(data), "null") || err == nil && math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%q is %v (%v), want %v", data, got, err, want)
			}
		}
	})
}
