package collect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"puenktlich/internal/timetables"
	schema "puenktlich/schemas/clickhouse"
)

const (
	// maxUnknownNames bounds the names of one batch against hostile documents.
	maxUnknownNames = 1000
	// maxNamed bounds those listed in a result.
	maxNamed = 20
)

// note counts what the published schema does not have; the first document that
// has a name stands for it.
func (o *rows) note(found map[string]timetables.UnknownAttribute, first schema.Unknown) {
	for _, path := range slices.Sorted(maps.Keys(found)) {
		element, name, _ := strings.Cut(path, "/")
		u := first
		u.Element, u.Name, u.Count, u.Example = element, name, uint64(found[path].Count), found[path].Example
		o.counts.Unknown += found[path].Count
		i := slices.IndexFunc(o.unknown, func(k schema.Unknown) bool { return k.Element == element && k.Name == name })
		switch {
		case i >= 0:
			o.unknown[i].Count += u.Count
		case len(o.unknown) < maxUnknownNames:
			o.unknown = append(o.unknown, u)
		}
	}
}

// namesOf lists names with their counts for a result.
func namesOf(unknown []schema.Unknown) []string {
	var names []string
	for _, u := range unknown[:min(len(unknown), maxNamed)] {
		names = append(names, fmt.Sprintf("%s/%s %d times, first %q in %s", u.Element, u.Name, u.Count, u.Example, u.File))
	}
	return names
}
