package rulebook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Problem is one thing wrong with a policy file.
type Problem struct {
	File  string
	Line  int
	Key   string // path of the key, such as rules[2].when[0].above
	Value string
	Want  string
}

// Error is "FILE:LINE: KEY: VALUE: want ...".
func (p *Problem) Error() string {
	text := fmt.Sprintf("%s:%d: ", p.File, p.Line)
	if p.Key != "" {
		text += p.Key + ": "
	}
	if p.Value != "" {
		text += fmt.Sprintf("%q: ", p.Value)
	}
	return text + p.Want
}

// reader walks a document and gathers every problem, each with its line.
type reader struct {
	file     string
	problems []error
}

func (r *reader) problem(at *yaml.Node, key, format string, args ...any) {
	value := ""
	if at.Kind == yaml.ScalarNode {
		value = at.Value
	}
	r.problems = append(r.problems, &Problem{File: r.file, Line: at.Line, Key: key, Value: value, Want: fmt.Sprintf(format, args...)})
}

// failed is all problems, in the order of their lines.
func (r *reader) failed() error {
	slices.SortStableFunc(r.problems, func(a, b error) int { return a.(*Problem).Line - b.(*Problem).Line })
	return errors.Join(r.problems...)
}

// keys reads a mapping; required ones stand before the bar of "a b | c d".
func (r *reader) keys(at *yaml.Node, key, names string, read func(name string, value *yaml.Node, key string)) {
	if at.Kind != yaml.MappingNode {
		r.problem(at, key, "want keys and values, of %s", strings.Join(strings.Fields(strings.ReplaceAll(names, "|", "")), ", "))
		return
	}
	required, optional, _ := strings.Cut(names, "|")
	needed, known := strings.Fields(required), strings.Fields(required+" "+optional)
	var seen []string
	for i := 0; i+1 < len(at.Content); i += 2 {
		name, value := at.Content[i], at.Content[i+1]
		path := name.Value
		if key != "" {
			path = key + "." + name.Value
		}
		switch {
		case !slices.Contains(known, name.Value):
			r.problem(name, key, "no such key: there are %s", strings.Join(known, ", "))
		case slices.Contains(seen, name.Value):
			r.problem(name, path, "stands twice")
		default:
			read(name.Value, value, path)
		}
		seen = append(seen, name.Value)
	}
	for _, name := range needed {
		if !slices.Contains(seen, name) {
			r.problem(at, key, "%s is missing", name)
		}
	}
}

// list reads a sequence of at least one.
func (r *reader) list(at *yaml.Node, key string, read func(item *yaml.Node, key string)) {
	if at.Kind != yaml.SequenceNode || len(at.Content) == 0 {
		r.problem(at, key, "want a list of at least one")
		return
	}
	for i, item := range at.Content {
		read(item, fmt.Sprintf("%s[%d]", key, i))
	}
}

func (r *reader) text(at *yaml.Node, key string) string {
	if at.Kind != yaml.ScalarNode || strings.TrimSpace(at.Value) == "" {
		r.problem(at, key, "want a text")
	}
	return at.Value
}

func (r *reader) whole(at *yaml.Node, key string, low, high int) int {
	n, err := strconv.Atoi(at.Value)
	if at.Kind != yaml.ScalarNode || err != nil || n < low || n > high {
		r.problem(at, key, "want a whole number from %d to %d", low, high)
		return low
	}
	return n
}

func (r *reader) number(at *yaml.Node, key string) (float64, bool) {
	v, err := strconv.ParseFloat(at.Value, 64)
	if at.Kind != yaml.ScalarNode || err != nil || v != v || v-v != 0 {
		r.problem(at, key, "want a number")
		return 0, false
	}
	return v, true
}

func (r *reader) yes(at *yaml.Node, key string) bool {
	if at.Kind != yaml.ScalarNode || at.Value != "true" && at.Value != "false" {
		r.problem(at, key, "want true or false")
	}
	return at.Value == "true"
}

// one reads a word of a closed set; empty where it is none of them.
func one[T ~string](r *reader, at *yaml.Node, key string, of ...T) T {
	if at.Kind == yaml.ScalarNode && slices.Contains(of, T(at.Value)) {
		return T(at.Value)
	}
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	r.problem(at, key, "want one of %s", strings.Join(words, ", "))
	return ""
}
