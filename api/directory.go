package api

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"puenktlich/internal/rail"
)

// nearCount bounds the near matches of an answer.
const nearCount = 5

// directory lists the stations that have forecasts, by name.
func (s *server) directory() []rail.Station {
	named := map[int64]rail.Station{}
	for _, station := range s.o.Stations() {
		named[station.EVA] = station
	}
	all := []rail.Station{}
	for _, eva := range s.o.Live.Stations() {
		station := named[eva]
		if station.EVA = eva; station.Name == "" {
			station.Name = strconv.FormatInt(eva, 10)
		}
		all = append(all, station)
	}
	slices.SortFunc(all, func(a, b rail.Station) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.EVA, b.EVA)) })
	return all
}

// near finds the stations that a wrong number or name may have meant, the
// likeliest first.
func near(text string, all []rail.Station) []Match {
	type candidate struct {
		rail.Station
		distance int
	}
	wanted := strings.ToLower(text)
	var found []candidate
	for _, station := range all {
		if d, fits := apart(wanted, station); fits {
			found = append(found, candidate{station, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	matches := []Match{}
	for _, c := range found[:min(nearCount, len(found))] {
		matches = append(matches, Match{strconv.FormatInt(c.EVA, 10), c.Name})
	}
	return matches
}

// apart says how far a station is from what was wanted, and whether that is
// close: by its number, its whole name, or one word of it, which must fit better.
func apart(wanted string, station rail.Station) (d int, fits bool) {
	name := strings.ToLower(station.Name)
	if strings.Contains(name, wanted) {
		return 0, true
	}
	d = min(distance(wanted, strconv.FormatInt(station.EVA, 10)), distance(wanted, name))
	fits = d <= max(2, len(wanted)/2)
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if w := distance(wanted, word); w <= max(1, len(wanted)/3) {
			d, fits = min(d, w), true
		}
	}
	return d, fits
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
