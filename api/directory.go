package api

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"puenktlich/internal/naming"
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
	matches := []Match{}
	for _, station := range naming.NearStations(text, all, nearCount) {
		matches = append(matches, Match{strconv.FormatInt(station.EVA, 10), station.Name})
	}
	return matches
}

// findStation is the station of a number or a whole name among all.
func findStation(text string, all []rail.Station) (rail.Station, error) {
	if station, found := naming.Station(text, all); found {
		return station, nil
	}
	return rail.Station{}, &Error{Kind: KindNotFound, Near: near(text, all),
		Detail: fmt.Sprintf("no station %q here: /v1/stations lists the EVA numbers of all %d", text, len(all))}
}
