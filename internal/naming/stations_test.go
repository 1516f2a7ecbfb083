package naming

import (
	"testing"

	"puenktlich/internal/rail"
)

func TestStationsAreFoundWithoutUmlauts(t *testing.T) {
	t.Parallel()
	all := []rail.Station{{EVA: 8000261, Name: "München Hbf"}, {EVA: 8000207, Name: "Köln Hbf"}, {EVA: 8000260, Name: "Würzburg Hbf"},
		{EVA: 8004158, Name: "München-Pasing"}, {EVA: 8000105, Name: "Frankfurt(Main)Hbf"}, {EVA: 8010255, Name: "Berlin Ostbahnhof"}}
	for text, want := range map[string]int64{"muenchen hbf": 8000261, "Munchen-Hbf": 8000261, "KÖLN HBF": 8000207, "koeln hbf": 8000207, "8000260": 8000260, "frankfurt main hbf": 8000105} {
		if got, found := Station(text, all); !found || got.EVA != want {
			t.Errorf("%q is %+v, %v; want %d", text, got, found, want)
		}
	}
	for text, want := range map[string]string{"wurzburg": "Würzburg Hbf", "wuerzbrg": "Würzburg Hbf", "munchen p": "München-Pasing", "ostbanhof": "Berlin Ostbahnhof", "8000208": "Köln Hbf", "kön": "Köln Hbf"} {
		if found := NearStations(text, all, 5); len(found) == 0 || found[0].Name != want {
			t.Errorf("near %q: %v, want %s first", text, found, want)
		}
	}
	if found := NearStations("xyzxyzxyz", all, 5); len(found) != 0 {
		t.Errorf("near nothing: %v", found)
	}
}
