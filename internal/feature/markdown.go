package feature

import (
	"fmt"
	"strings"
)

// MarkdownTable renders the catalogue as docs/features.md.
func MarkdownTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Features\n\nGenerated from the catalogue in `internal/feature`; do not edit. Version `%s`, %d features.\n", Version(), Width())
	b.WriteString(`
A value is computed for one event at one cut-off, from what had been polled by then. NaN means that it
was not known; it is never written as 0. *Missing* says when, *range* bounds every known value: a data set with
another value is invalid. *Lag* is the measured time from a poll until serving has applied it.
*Group* names the set that an ablation takes away together. An event is late from 6 minutes on.

Rates of earlier days are shrunk: (late + m x prior) / (events + m). The prior of a category is the
overall rate, of a line its category's, of a train its line's.

Other events count within 12 hours of the event, its own changes from 24 hours before it on.

| # | feature | unit | range | source | known | group | meaning | missing |
|--:|---|---|---|---|---|---|---|---|
`)
	for i, f := range catalogue {
		low, high := f.Range()
		missing := "never"
		if when, may := f.Missing(); may {
			missing = when
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %g to %g | %s | %s | %s | %s | %s |\n",
			i+1, f.Name, f.Unit, low, high, f.Source, f.KnownAt, f.Group, f.WhenKnown(), missing)
	}
	return b.String()
}
