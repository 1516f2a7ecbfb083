package timetables_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/timetables"
)

const schemaFile = "../../../shared/data/timetables-schema.json"

// node is the part of the published schema that names things.
type node struct {
	Type       any             `json:"type"`
	Properties map[string]node `json:"properties"`
	Items      *node           `json:"items"`
}

func publishedSchema(t *testing.T) node {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Skip("THE PUBLISHED SCHEMA IS ABSENT: it is looked for in ../shared/data beside the project; this test proves nothing here")
	}
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// Every name of the published schema is known to the parser: it is read, which
// shows in the result, or named in NotUsed.
func TestEveryNameOfTheSchemaIsReadOrNamed(t *testing.T) {
	t.Parallel()
	root := publishedSchema(t)
	stop := root.Properties["s"].Items
	message := root.Properties["m"].Items
	label := message.Properties["tl"].Items
	if stop == nil || message == nil || label == nil {
		t.Fatal("the schema has no stop, message or label where they are looked for")
	}
	notUsed := timetables.NotUsed()
	children := []string{"timetable/s", "s/tl", "s/ar", "s/dp", "s/m", "ar/m"} // those the parser descends into
	tested := 0
	for element, of := range map[string]node{"timetable": root, "s": *stop, "tl": *label, "ar": stop.Properties["ar"], "m": *message} {
		for name, property := range of.Properties {
			tested++
			child := element + "/" + name
			if _, named := notUsed[child]; named || slices.Contains(children, child) {
				continue
			}
			if property.Items != nil || len(property.Properties) > 0 {
				t.Errorf("%s is an element of the schema, is not read, and is not named in NotUsed", child)
				continue
			}
			if _, named := notUsed[element+"/@"+name]; !named && !isRead(element, name) {
				t.Errorf("%s/@%s is in the schema, has no effect, and is not named in NotUsed", element, name)
			}
		}
	}
	if tested < 50 {
		t.Errorf("%d names tested, want at least 50", tested)
	}
}

// isRead says that an attribute with some value makes a difference, and is known.
func isRead(element, name string) bool {
	for _, value := range []string{"1", "x", "c", "N", "2503300303", "8000207"} {
		with, without := parseWith(element, " "+name+`="`+value+`"`), parseWith(element, "")
		if len(with.UnknownAttributes) > 0 {
			return false
		}
		if !reflect.DeepEqual(with, without) {
			return true
		}
	}
	return false
}

// parseWith reads a document of changes whose one element has something more.
func parseWith(element, attribute string) timetables.Result {
	has := func(e string) string {
		if e == element {
			return attribute
		}
		return ""
	}
	id := ` id="7-2503300110-2"`
	if strings.HasPrefix(has("s"), " id=") {
		id = ""
	}
	body := "<timetable" + has("timetable") + "><s" + id + has("s") + "><tl" + has("tl") + "/><ar" + has("ar") + "><m" + has("m") + "/></ar></s></timetable>"
	at := time.Date(2025, 3, 30, 1, 30, 0, 0, time.UTC)
	return timetables.Parse([]byte(body), timetables.Origin{Call: timetables.Call{Kind: timetables.CallRecent, EVA: 8000150}, PolledAt: at, File: "f"})
}
