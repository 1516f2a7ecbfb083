package railsim

import "puenktlich/internal/rail"

// Hub is the main station, where most lines meet.
const Hub int64 = 8000105

// served lists the stations of the API. All names but the hub's are invented,
// as are their numbers.
func served() []rail.Station {
	return []rail.Station{
		{EVA: Hub, Name: hub, Latitude: 50.1070, Longitude: 8.6632},
		{EVA: 8099011, Name: "Auerfeld Hbf", Latitude: 50.3571, Longitude: 8.7423},
		{EVA: 8099012, Name: "Brücknau West", Latitude: 50.1904, Longitude: 8.6815},
		{EVA: 8099013, Name: "Königsrode Flughafen", Latitude: 50.0386, Longitude: 8.5713},
		{EVA: 8099014, Name: "Lindhafen Hbf", Latitude: 49.8842, Longitude: 8.4920},
		{EVA: 8099015, Name: "Waldmünde(Main)", Latitude: 50.0953, Longitude: 8.8307},
		{EVA: 8099016, Name: "Rodenfels", Latitude: 50.1288, Longitude: 9.1046},
	}
}

const hub = "Frankfurt(Main)Hbf"

// corridor is a stretch of line that shares weather, works and signals.
type corridor string

const (
	north corridor = "north"
	south corridor = "south"
	east  corridor = "east"
	west  corridor = "west"
	far   corridor = "far" // beyond the country
)

func corridors() []corridor { return []corridor{north, south, east, west, far} }

// tracks separates trains that never meet on the same stretch.
type tracks string

const (
	fastTracks tracks = "fast"
	slowTracks tracks = "slow"
	cityTracks tracks = "city"
)

// node is one point of a line in its forward direction.
type node struct {
	name         string
	on           corridor // of the run to this node
	runMinutes   int      // from the node before, slack included
	dwellMinutes int      // passing: the train does not stop
}

const passing = -1

// pattern is a clock-face service in minutes of the local day: departures from
// the origin every so many minutes in [First, Last].
type pattern struct{ first, last, every int }

// line is one line in both directions.
type line struct {
	name     string
	label    string // l on the wire
	train    rail.Train
	base     int // first train number
	tracks   tracks
	workdays pattern
	weekend  pattern
	turn     int // least minutes at a terminus
	nodes    []node
	opens    bool // only with ScenarioNewLine
}

func clock(hour, minute int) int { return hour*60 + minute }

// lines are ordered by priority in the timetable.
func lines() []line {
	return append(longDistanceLines(), append(regionalLines(), suburbanLines()...)...)
}

func longDistanceLines() []line {
	ice := rail.Train{Category: "ICE", Operator: "80", Class: rail.LongDistance}
	ic := rail.Train{Category: "IC", Operator: "80", Class: rail.LongDistance}
	night := rail.Train{Category: "NJ", Operator: "81", Class: rail.LongDistance}
	hourly := pattern{clock(5, 0), clock(20, 59), 60}
	return []line{
		{name: "ICE 11", train: ice, base: 500, tracks: fastTracks, workdays: hourly,
			weekend: pattern{clock(6, 0), clock(20, 59), 60}, turn: 25, nodes: []node{
				{"Nordhaven Hbf", far, 0, 0}, {"Harzau Hbf", far, 58, 3}, {"Kassenburg", far, 49, 2},
				{"Auerfeld Hbf", far, 44, 2}, {"Brücknau West", north, 15, passing}, {hub, north, 8, 6},
				{"Königsrode Flughafen", south, 11, 3}, {"Lindhafen Hbf", south, 19, 2},
				{"Neckarfurt Hbf", far, 34, 3}, {"Alpenfurt Hbf", far, 62, 0}}},
		{name: "ICE 25", train: ice, base: 1600, tracks: fastTracks, workdays: hourly,
			weekend: pattern{clock(7, 0), clock(19, 59), 60}, turn: 25, nodes: []node{
				{"Westerhaven Hbf", far, 0, 0}, {"Ruhrfeld Hbf", far, 39, 3}, {"Moselbrück", far, 55, 2},
				{"Königsrode Flughafen", far, 38, 3}, {hub, south, 12, 7}, {"Waldmünde(Main)", east, 9, passing},
				{"Rodenfels", east, 17, 2}, {"Donauried Hbf", far, 52, 3}, {"Ostheide Hbf", far, 66, 0}}},
		{name: "IC 37", train: ic, base: 2300, tracks: fastTracks,
			workdays: pattern{clock(5, 0), clock(20, 59), 120}, weekend: pattern{clock(7, 0), clock(18, 59), 120},
			turn: 30, nodes: []node{
				{"Harzau Hbf", far, 0, 0}, {"Kassenburg", far, 54, 3}, {"Auerfeld Hbf", far, 47, 2},
				{"Brücknau West", north, 16, passing}, {hub, north, 9, 8}, {"Waldmünde(Main)", east, 10, 2},
				{"Rodenfels", east, 18, 2}, {"Saaleck", far, 41, 2}, {"Mulderode Hbf", far, 58, 0}}},
		{name: "NJ 4", train: night, base: 401, tracks: fastTracks,
			workdays: pattern{clock(22, 30), clock(22, 59), 60}, weekend: pattern{clock(22, 30), clock(22, 59), 60},
			turn: 60, nodes: []node{
				{"Seemark Hbf", far, 0, 0}, {"Harzau Hbf", far, 70, 5}, {"Auerfeld Hbf", far, 110, 2},
				{hub, north, 26, 18}, {"Lindhafen Hbf", south, 33, 2}, {"Neckarfurt Hbf", far, 45, 8},
				{"Hochjoch", far, 110, 0}}},
	}
}

func regionalLines() []line {
	re4 := rail.Train{Category: "RE", Operator: "8005R4", Class: rail.Regional}
	re8 := rail.Train{Category: "RE", Operator: "8005R8", Class: rail.Regional}
	rb := rail.Train{Category: "RB", Operator: "8005B1", Class: rail.Regional}
	hourly := pattern{clock(4, 30), clock(22, 59), 60}
	return []line{
		{name: "RE 4", label: "RE4", train: re4, base: 4200, tracks: fastTracks, workdays: hourly,
			weekend: pattern{clock(5, 30), clock(22, 59), 60}, turn: 8, nodes: []node{
				{"Kassenburg Süd", far, 0, 0}, {"Auerfeld Hbf", far, 37, 2}, {"Brücknau West", north, 17, 1},
				{hub, north, 9, 4}, {"Königsrode Flughafen", south, 12, 1}, {"Lindhafen Hbf", south, 21, 0}}},
		{name: "RE 8", label: "RE8", train: re8, base: 4700, tracks: fastTracks, workdays: hourly,
			weekend: pattern{clock(6, 30), clock(22, 59), 60}, turn: 9, nodes: []node{
				{hub, east, 0, 0}, {"Waldmünde(Main)", east, 10, 1}, {"Rodenfels", east, 19, 2},
				{"Spessheim", far, 13, 1}, {"Saaleck", far, 30, 0}}},
		{name: "RE 99", label: "RE99", train: re4, base: 4900, tracks: fastTracks, workdays: hourly,
			weekend: hourly, turn: 8, opens: true, nodes: []node{
				{"Lindhafen Hbf", south, 0, 0}, {"Königsrode Flughafen", south, 21, 1}, {hub, south, 12, 4},
				{"Waldmünde(Main)", east, 10, 1}, {"Rodenfels", east, 19, 0}}},
		{name: "RB 42", label: "RB42", train: rb, base: 15200, tracks: slowTracks,
			workdays: pattern{clock(4, 30), clock(23, 29), 30}, weekend: pattern{clock(5, 30), clock(23, 29), 60},
			turn: 7, nodes: []node{
				{"Auerfeld Hbf", north, 0, 0}, {"Auerfeld Stadtwald", north, 4, 1}, {"Wetterau Ost", north, 6, 1},
				{"Hammerrod", north, 5, 1}, {"Brücknau West", north, 6, 1}, {"Eichgrund", north, 4, 1},
				{"Messeplatz Nord", north, 5, 1}, {hub, north, 4, 0}}},
	}
}

func suburbanLines() []line {
	s := rail.Train{Category: "S", Operator: "8005S1", Class: rail.Suburban}
	return []line{
		{name: "S 1", label: "S1", train: s, base: 35100, tracks: cityTracks,
			workdays: pattern{clock(4, 20), clock(23, 59), 20}, weekend: pattern{clock(5, 0), clock(23, 59), 20},
			turn: 6, nodes: []node{
				{"Brücknau West", north, 0, 0}, {"Eichgrund", north, 4, 1}, {"Lohberg", north, 4, 1},
				{"Messeplatz", north, 3, 1}, {hub, north, 3, 1}, {"Mainufer", south, 3, 1},
				{"Stadion Süd", south, 4, 1}, {"Königsrode Flughafen", south, 5, 0}}},
		{name: "S 2", label: "S2", train: s, base: 35600, tracks: cityTracks,
			workdays: pattern{clock(4, 30), clock(23, 59), 30}, weekend: pattern{clock(5, 30), clock(23, 59), 30},
			turn: 6, nodes: []node{
				{"Waldmünde(Main)", east, 0, 0}, {"Ruhrbach", east, 4, 1}, {"Osthafen", east, 5, 1},
				{"Altstadtring", east, 4, 1}, {hub, east, 3, 1}, {"Gallushöhe", west, 3, 1},
				{"Weidau", west, 5, 1}, {"Kronthal(Taunus)", west, 7, 1}, {"Feldbergblick", west, 6, 0}}},
	}
}
