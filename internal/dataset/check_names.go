package dataset

import (
	"fmt"
	"slices"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

const (
	// maxUnknown is the share of a day's rows without category or class: the
	// wire leaves the class out for some operators.
	maxUnknown = 0.5
	// newCategory is the share of a day's rows from which a category that no
	// other day has is worth a look.
	newCategory = 0.05
)

// names checks the columns that hold names.
func (i *inspection) names() []schemas.Check {
	sets := stop("names", "kind and evidence have no value but those of the domain")
	classes := warning("classes", "the train class is F, N, S, D or unknown: another one is a new code of the source")
	unknown := warning("unknown_category", "at most %g of a day's rows lack category or class", maxUnknown)
	fresh := warning("categories", "no category with %g of a day's rows is absent on all others", newCategory)
	onDays := map[string]int{}
	for _, p := range i.days {
		for _, t := range p.Categories {
			onDays[t.Value]++
		}
	}
	for _, p := range i.days {
		closed(sets, p.Day, columns.Kind, p.Kinds, string(rail.Arrival), string(rail.Departure))
		closed(classes, p.Day, columns.Class, p.Classes, string(rail.ClassUnknown), string(rail.LongDistance), string(rail.Regional), string(rail.Suburban), string(rail.OtherTraffic), "")
		closed(sets, p.Day, columns.Evidence, p.Evidence, string(rail.ChangeObserved), string(rail.PolledWithoutChange))
		for _, t := range p.Categories {
			if share := ratio(t.Rows, p.Rows); len(i.days) > 1 && onDays[t.Value] == 1 && share >= newCategory {
				found(fresh, schemas.Finding{Day: p.Day, Column: columns.Category, Value: fmt.Sprintf("%s in %s of the rows", t.Value, quantity(share)), Limit: "on another day too"})
			}
		}
		lacking(unknown, p, columns.Category, p.Categories, "")
		lacking(unknown, p, columns.Class, p.Classes, "", string(rail.ClassUnknown))
	}
	return []schemas.Check{*sets, *classes, *unknown, *fresh}
}

// closed fails for every value beside the allowed ones.
func closed(c *schemas.Check, day, column string, values []columns.Tally, allowed ...string) {
	for _, t := range values {
		if !slices.Contains(allowed, t.Value) {
			found(c, schemas.Finding{Day: day, Column: column, Value: fmt.Sprintf("%q in %d rows", t.Value, t.Rows), Limit: fmt.Sprintf("one of %q", allowed)})
		}
	}
}

// lacking fails where too many rows have one of the values for "none".
func lacking(c *schemas.Check, p columns.Profile, column string, values []columns.Tally, none ...string) {
	rows := 0
	for _, t := range values {
		if slices.Contains(none, t.Value) {
			rows += t.Rows
		}
	}
	if share := ratio(rows, p.Rows); share > maxUnknown {
		found(c, schemas.Finding{Day: p.Day, Column: column, Value: quantity(share) + " unknown", Limit: fmt.Sprintf("at most %g", maxUnknown)})
	}
}
