package naming

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"puenktlich/internal/rail"
)

// Station is the one of a number or of a whole name, however it is written.
func Station(text string, all []rail.Station) (station rail.Station, found bool) {
	eva, err := strconv.ParseInt(text, 10, 64)
	for _, station := range all {
		if err == nil && station.EVA == eva || err != nil && same(text, station.Name) {
			return station, true
		}
	}
	return rail.Station{}, false
}

// NearStations are at most n stations that a wrong number or name may have meant,
// the likeliest first.
func NearStations(text string, all []rail.Station, n int) []rail.Station {
	type candidate struct {
		rail.Station
		distance int
	}
	var found []candidate
	for _, station := range all {
		if d, fits := apart(text, station); fits {
			found = append(found, candidate{station, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	near := []rail.Station{}
	for _, c := range found[:min(n, len(found))] {
		near = append(near, c.Station)
	}
	return near
}

// apart says how far a station is from what was wanted, and whether that is
// close: by its number, its whole name, or one word of it, which must fit better.
// A name that begins with what was wanted is nearer than one that holds it.
func apart(wanted string, station rail.Station) (d int, fits bool) {
	d = distance(wanted, strconv.FormatInt(station.EVA, 10))
	fits = d <= max(2, len(wanted)/2)
	for _, how := range foldings {
		wanted, name := how(wanted), how(station.Name)
		switch {
		case wanted == "":
			continue
		case strings.HasPrefix(name, wanted):
			return 0, true
		case strings.Contains(name, wanted):
			d, fits = min(d, 1), true
		}
		if w := distance(wanted, name); w <= max(2, len(wanted)/2) {
			d, fits = min(d, w+1), true
		}
		for word := range strings.FieldsSeq(name) {
			if w := distance(wanted, word); w <= max(1, len(wanted)/3) {
				d, fits = min(d, w+1), true
			}
		}
	}
	return d, fits
}

// foldings are the two ways in which names are written without umlauts.
var foldings = []func(string) string{
	fold(strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "á", "a", "ó", "o", "ł", "l")),
	fold(strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "s", "é", "e", "è", "e", "á", "a", "ó", "o", "ł", "l")),
}

// fold writes a name in lower case, without umlauts, its words apart by one space.
func fold(letters *strings.Replacer) func(string) string {
	return func(name string) string {
		name = letters.Replace(strings.ToLower(name))
		return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
	}
}

// same says that two names are one, however they are written.
func same(a, b string) bool {
	for _, how := range foldings {
		if folded := how(a); folded != "" && folded == how(b) {
			return true
		}
	}
	return false
}

// distance is Levenshtein's: the fewest bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
