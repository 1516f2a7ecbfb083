package api

import (
	"net/url"
	"strings"
)

// queried is one parameter of a query string.
type queried struct{ name, value string }

// parseQuery reads a query string as url.ParseQuery does, in its order, and adds
// its parameters to dst. Most have nothing to unescape.
func parseQuery(dst []queried, raw string) ([]queried, error) {
	if strings.ContainsAny(raw, "%+;") {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return dst, err
		}
		for name, values := range query {
			for _, value := range values {
				dst = append(dst, queried{name, value})
			}
		}
		return dst, nil
	}
	for raw != "" {
		var part string
		if part, raw, _ = strings.Cut(raw, "&"); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		dst = append(dst, queried{name, value})
	}
	return dst, nil
}

// times counts how often a parameter is given.
func times(query []queried, name string) (n int) {
	for _, p := range query {
		if p.name == name {
			n++
		}
	}
	return n
}

// given is the value of a query parameter of the request, empty without one. What
// runs behind strict knows that it is given once.
func (held *call) given(name string) string {
	for _, p := range held.query {
		if p.name == name {
			return p.value
		}
	}
	return ""
}
