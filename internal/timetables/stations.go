package timetables

import (
	"strconv"
	"strings"

	"puenktlich/internal/rail"
)

// matchStations follows the API: a pattern is an EVA number, * for all, or the
// beginning of a name in any case, with or without a * at its end.
func matchStations(stations []rail.Station, pattern string) []rail.Station {
	prefix := strings.ToLower(strings.TrimSuffix(pattern, "*"))
	var found []rail.Station
	for _, station := range stations {
		if strconv.FormatInt(station.EVA, 10) == pattern ||
			strings.HasPrefix(strings.ToLower(station.Name), prefix) {
			found = append(found, station)
		}
	}
	return found
}

func encodeStations(stations []rail.Station) []byte {
	var e encoder
	e.open("stations")
	for _, station := range stations {
		e.element("station", attr{"name", station.Name}, attr{"eva", wireNumber(station.EVA)})
	}
	e.close("stations")
	return e.Bytes()
}
