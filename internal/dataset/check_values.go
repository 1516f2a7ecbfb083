package dataset

import (
	"fmt"
	"strconv"

	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

const (
	// maxDelayMinutes bounds delays of truth and forecast, either way: a week.
	maxDelayMinutes = 7 * 24 * 60
	// maxMissingShift is how far the missing share of a feature on one day may
	// lie from its share on the others.
	maxMissingShift = 0.3
	// someRows is how many rows make a missing share worth a look.
	someRows = 500
)

// values checks the numeric columns.
func (i *inspection) values() []schemas.Check {
	infinite := stop("infinite", "features are finite or missing")
	ranges := stop("ranges", "every known value lies in the range of the catalogue")
	never := stop("never_missing", "features that the catalogue never calls missing are known in every row")
	for _, p := range i.days {
		for n, c := range p.Columns {
			foundRows(infinite, p.Day, c.Name, c.Infinite, "finite or NaN")
			column := Column{Low: -maxDelayMinutes, High: maxDelayMinutes, MayMiss: true}
			if n < len(i.want.Columns) {
				column = i.want.Columns[n]
			}
			outside(ranges, p.Day, c, column)
			if missing := p.Rows - c.Known - c.Infinite.Rows; missing > 0 && !column.MayMiss {
				found(never, schemas.Finding{Day: p.Day, Column: c.Name, Value: fmt.Sprintf("%d of %d rows missing", missing, p.Rows), Limit: "0 rows"})
			}
		}
	}
	return append([]schemas.Check{*infinite, *ranges, *never}, i.spread()...)
}

func outside(c *schemas.Check, day string, got columns.ColumnProfile, want Column) {
	limit := fmt.Sprintf("%g to %g", want.Low, want.High)
	for _, extreme := range []columns.Extreme{got.Low, got.High} {
		if got.Known > 0 && (extreme.Value < want.Low || extreme.Value > want.High) {
			found(c, schemas.Finding{Day: day, Column: got.Name, Value: strconv.FormatFloat(extreme.Value, 'g', -1, 64), Limit: limit, Where: extreme.At})
		}
	}
}

// spread compares each feature over the days: what is missing, what varies.
func (i *inspection) spread() []schemas.Check {
	missing := warning("missing_rate", "every feature is known somewhere, and missing on no day of %d rows and more by %g otherwise than on the others", someRows, maxMissingShift)
	constant := warning("constant", "every feature that is known has more than one value")
	for n, column := range i.want.Columns {
		known, low, high := 0, 0.0, 0.0
		for _, p := range i.days {
			if knownIn(p, n) == 0 {
				continue
			}
			c := p.Columns[n]
			if known == 0 {
				low, high = c.Low.Value, c.High.Value
			}
			low, high, known = min(low, c.Low.Value), max(high, c.High.Value), known+c.Known
		}
		switch {
		case i.rows == 0:
		case known == 0:
			found(missing, schemas.Finding{Column: column.Name, Value: "never known", Limit: "known somewhere"})
		default:
			if low == high {
				found(constant, schemas.Finding{Column: column.Name, Value: strconv.FormatFloat(low, 'g', -1, 64) + " in every row", Limit: "more than one value"})
			}
			i.missingByDay(missing, n)
		}
	}
	return []schemas.Check{*missing, *constant}
}

// missingByDay compares a feature's missing share of each day with the others'.
func (i *inspection) missingByDay(c *schemas.Check, n int) {
	days := i.days
	if i.want.Columns[n].FromHistory {
		days = days[1:]
	}
	rows, known := 0, 0
	for _, p := range days {
		rows, known = rows+p.Rows, known+knownIn(p, n)
	}
	for _, p := range days {
		others := rows - p.Rows
		if p.Rows < someRows || others < someRows {
			continue
		}
		own, rest := 1-ratio(knownIn(p, n), p.Rows), 1-ratio(known-knownIn(p, n), others)
		if own > rest+maxMissingShift || own < rest-maxMissingShift {
			found(c, schemas.Finding{Day: p.Day, Column: i.want.Columns[n].Name, Value: quantity(own) + " missing",
				Limit: fmt.Sprintf("within %g of the other days' %s", maxMissingShift, quantity(rest))})
		}
	}
}

// knownIn counts the known values of a feature; 0 where the part lacks it.
func knownIn(p columns.Profile, n int) int {
	if n >= len(p.Columns) {
		return 0
	}
	return p.Columns[n].Known
}
