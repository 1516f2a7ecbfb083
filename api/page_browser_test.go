package api_test

import (
	"context"
	"fmt"
	"html"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"puenktlich/api"
	"puenktlich/internal/feature"
	"puenktlich/internal/serving/servingtest"
)

// confident is how the page writes the tiny model's two probabilities.
var (
	confident = fmt.Sprintf("%.0f", 100*servingtest.Confident)
	doubtful  = fmt.Sprintf("%.0f", 100*(1-servingtest.Confident))
)

func TestTheBoardInABrowser(t *testing.T) {
	t.Parallel()
	handler, late := api.ServeThreeTrains(t)
	page := browse(t, handler, url.Values{"lang": {"en"}, "open": {string(late)}})
	page.says(t, "board", "RE 4601 (54)", confident+"%", "RE 4602 (54)", doubtful+"%", "Würzburg Hbf", "11:14 (+9)", "speaks for a delay", "Delay in the railway's latest forecast: 9 min")
	page.says(t, "caption", "Departures Frankfurt(Main)Hbf, 10:15–12:15")
	page.says(t, "clock", "29 Oct 2024, 10:15; newest report 20 minutes old.")
	page.says(t, "model", "not the railway's", "punctuality, version 7", servingtest.Ref(7).Digest[:12])
	page.says(t, "source", "Data: Deutsche Bahn, CC BY 4.0.")
	widths := page.barWidths("board")
	if len(widths) < 3 || widths[0] != fmt.Sprintf("%.1f", 100*servingtest.Confident) {
		t.Errorf("bars %v: want the first as long as its chance, %s%%", widths, confident)
	}
	page.says(t, "live", "Live since 29 Oct 2024, 09:15, by anna: better")
	if page.hidden("quality") || !page.hidden("reliability") || !page.hidden("skill") || !page.hidden("alerts") {
		t.Errorf("without outcomes the page says so, and nothing else of quality:\n%s", page.dom)
	}
	page.says(t, "honest", "No forecast has met its outcome yet.")
	if !page.hidden("empty") || !page.hidden("problem") || page.hidden("table") {
		t.Errorf("a board shows the board alone:\n%s", page.dom)
	}
}

func TestThePageSpeaksGerman(t *testing.T) {
	t.Parallel()
	handler, late := api.ServeThreeTrains(t)
	page := browse(t, handler, url.Values{"lang": {"de"}, "open": {string(late)}})
	page.says(t, "board", confident+"\u00a0%", "Gleis 5", "spricht für Verspätung", "Verspätung nach der neuesten Prognose der Bahn: 9 min", "30 min oder mehr")
	page.says(t, "model", "Die Prozentzahlen stammen nicht von der Bahn, sondern vom Modell punctuality, Version 7")
	if !strings.Contains(page.dom, `<html lang="de">`) {
		t.Error("the document does not say that it is in German")
	}
}

func TestThePageWithoutABoard(t *testing.T) {
	t.Parallel()
	served, _ := api.ServeThreeTrains(t)
	tests := []struct {
		name    string
		handler http.Handler
		query   url.Values
		id      string
		text    []string
	}{
		{"no train", served, url.Values{"from": {"2024-10-29T20:00"}, "hours": {"1"}}, "empty", []string{"No train in this time"}},
		{"wrong time", served, url.Values{"from": {"2024-10-29T23:00"}}, "problem", []string{"This cannot be asked.", "is out of reach"}},
		{"starting", api.ServeNothing(t), nil, "problem", []string{"The system is starting"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			query := url.Values{"lang": {"en"}}
			for name, values := range test.query {
				query[name] = values
			}
			page := browse(t, test.handler, query)
			page.says(t, test.id, test.text...)
			if page.hidden(test.id) || !page.hidden("table") {
				t.Errorf("hidden: %s %v, table %v; want the sentence in place of the table", test.id, page.hidden(test.id), page.hidden("table"))
			}
		})
	}
}

// Forty trains were called 80 % likely half an hour before and thirty were on time;
// monitoring scored a day, and an alert is firing.
func TestThePageSaysHowHonestItIs(t *testing.T) {
	t.Parallel()
	handler := api.ServeWithOutcomes(t)
	for language, want := range map[string]struct{ honest, skill, alert []string }{
		"en": {[]string{"Of 100 trains we called 80% likely to be on time 30 minutes before, 75 were.", "Counted on 40 such forecasts, of 45 of 1 day (29 Oct 2024)"},
			[]string{"30", "0.110 (0.100–0.120)", "0.130", "15%"}, []string{"warning: Half of the hours were not polled. (main, since 29 Oct 2024, 10:15)"}},
		"de": {[]string{"Von 100 Zügen, für die wir 30 Minuten vorher 80\u00a0% Chance auf Pünktlichkeit sagten, waren 75 pünktlich."},
			[]string{"0,110 (0,100–0,120)", "0,130"}, []string{"Warnung: Half of the hours were not polled."}},
	} {
		page := browse(t, handler, url.Values{"lang": {language}})
		page.says(t, "honest", want.honest...)
		page.says(t, "summary", want.honest[0])
		page.says(t, "skill", want.skill...)
		page.says(t, "alerts-list", want.alert...)
		page.says(t, "diagram-table", "40", "5")
		if dots := strings.Count(page.dom, `<circle `); dots != 2 || page.hidden("reliability") {
			t.Errorf("%s: %d dots in the diagram, want 2", language, dots)
		}
	}
	phone := browse(t, handler, url.Values{"lang": {"en"}}, "--window-size=360,740")
	if phone.hidden("quality") || phone.hidden("table") {
		t.Error("on a phone the page is empty")
	}
}

// The colours of text keep the contrast of WCAG 2.2 AA, 4.5 to 1, on both grounds.
func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("page/page.css")
	if err != nil {
		t.Fatal(err)
	}
	palettes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(palettes) != 2 {
		t.Fatalf("%d palettes, want light and dark", len(palettes))
	}
	for _, palette := range palettes {
		colours := map[string]string{}
		for _, match := range regexp.MustCompile(`--(\w+): (#[0-9a-f]+);`).FindAllStringSubmatch(palette[1], -1) {
			colours[match[1]] = match[2]
		}
		for _, text := range []string{"ink", "quiet", "good", "middle", "bad", "link"} {
			for _, ground := range []string{"paper", "soft"} {
				if ratio := contrast(t, colours[text], colours[ground]); ratio < 4.5 {
					t.Errorf("%s %s on %s %s: %.2f to 1", text, colours[text], ground, colours[ground], ratio)
				}
			}
		}
		for _, shape := range []string{"edge", "middle"} { // borders of fields, focus
			if ratio := contrast(t, colours[shape], colours["paper"]); ratio < 3 {
				t.Errorf("%s %s: %.2f to 1", shape, colours[shape], ratio)
			}
		}
	}
}

// contrast is that of WCAG 2.2, from the relative luminance of two sRGB colours.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		digits := strings.TrimPrefix(colour, "#")
		if len(digits) == 3 {
			digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
		}
		var rgb [3]int
		if _, err := fmt.Sscanf(digits, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatalf("colour %q: %v", colour, err)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			c := float64(rgb[i]) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// What is typed finds stations: the one that is called so, however it is written.
func TestStationsAreSearchedInTheBrowser(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("NOT TESTED: the search of the page was not run, as no node is on the PATH")
	}
	code, err := os.ReadFile("page/page.js")
	if err != nil {
		t.Fatal(err)
	}
	search := regexp.MustCompile(`(?ms)^function folded\(.*?^}\n.*?^function search\(.*?^}\n`).Find(code)
	script := `let stations = ["München Hbf", "München-Pasing", "Köln Hbf", "Frankfurt(Main)Hbf"].map((name, i) => ({ name, eva: 8000001 + i }));` + string(search) + `
		for (const typed of ["muenchen hbf", "MUNCHEN", "koln", "main hbf", "8000003", "xyz", " "]) console.log(typed + ": " + search(typed).map((s) => s.name).join(", "));`
	out, err := exec.CommandContext(t.Context(), node, "-e", script).CombinedOutput()
	want := "muenchen hbf: München Hbf\nMUNCHEN: München Hbf, München-Pasing\nkoln: Köln Hbf\nmain hbf: Frankfurt(Main)Hbf\n8000003: Köln Hbf\nxyz: \n : \n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// Every feature has words for travellers, as a reason names any of them.
func TestThePageHasWordsForEveryFeature(t *testing.T) {
	t.Parallel()
	words, err := os.ReadFile("page/reasons.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range feature.Names() {
		if !regexp.MustCompile(`(?m)^  ` + name + `: \["[^"]+", "[^"]+"\],$`).Match(words) {
			t.Errorf("page/reasons.js has no English and German words for the feature %s", name)
		}
	}
}

// document is a page as the browser has it after its scripts have run.
type document struct{ dom string }

// browse opens the page of a handler in headless Chromium. Its time runs as
// fast as the page lets it, and stands still while an answer is awaited.
func browse(t *testing.T, handler http.Handler, query url.Values, flags ...string) document {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("NOT TESTED: the page was not opened, as no chromium is on the PATH; install Debian's package chromium to test what a person sees")
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Without a sandbox, as Chromium has none for root; it opens this server alone.
	command := exec.CommandContext(ctx, browser, append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=3000", "--dump-dom", server.URL+"/?"+query.Encode())...)
	var complaints strings.Builder
	command.Stderr = &complaints
	dom, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", browser, err, complaints.String())
	}
	return document{string(dom)}
}

// element is the tag and what it holds, up to the first end tag of its kind.
func (d document) element(id string) (tag, inner string) {
	found := regexp.MustCompile(`(?s)<(\w+)( [^>]*)?\bid="` + id + `"[^>]*>`).FindStringSubmatchIndex(d.dom)
	if found == nil {
		return "", ""
	}
	name := d.dom[found[2]:found[3]]
	inner, _, _ = strings.Cut(d.dom[found[1]:], "</"+name+">")
	return d.dom[found[0]:found[1]], inner
}

func (d document) says(t *testing.T, id string, texts ...string) {
	t.Helper()
	_, inner := d.element(id)
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(inner, ""))
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("#%s says %q, want %q in it", id, text, want)
		}
	}
}

func (d document) hidden(id string) bool {
	tag, _ := d.element(id)
	return tag == "" || strings.Contains(tag, " hidden")
}

// barWidths are the lengths of the bars in per cent, as the browser took them.
func (d document) barWidths(id string) []string {
	_, inner := d.element(id)
	var widths []string
	for _, match := range regexp.MustCompile(`<i style="width: ([0-9.]+)%;">`).FindAllStringSubmatch(inner, -1) {
		widths = append(widths, match[1])
	}
	return widths
}
