package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// elements counts a drawing's elements by name, and gathers its texts; it fails
// where the drawing is not well-formed XML.
func elements(t *testing.T, svg []byte) (map[string]int, string) {
	t.Helper()
	count := map[string]int{}
	var text strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count, text.String()
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			count[token.Name.Local]++
		case xml.CharData:
			text.Write(append(token, '\n'))
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	svg := Lines{ID: "roc", Title: `<script>"a" & b</script>`, Desc: "what is seen", XLabel: "x", YLabel: "y",
		XSpan: Range{0, 1}, YSpan: Range{0, 1}, XPercent: true, Diagonal: true, Markers: true,
		Series: []Series{{Name: "one", X: []float64{0, 0.5, 1}, Y: []float64{0, 1, 1}}, {Name: "two", X: []float64{0}, Y: []float64{1}, Group: 1, Dash: 1}}}.SVG()
	count, text := elements(t, svg)
	if count["script"] != 0 || count["title"] != 1 || count["desc"] != 1 {
		t.Errorf("elements %v: want one title, one desc and no markup out of a text", count)
	}
	if count["circle"] != 4 || count["rect"] != 1+2 { // a marker a point and one in the legend; the paper
		t.Errorf("%d circles, %d rectangles: want 4 and 3", count["circle"], count["rect"])
	}
	for _, want := range []string{`<script>"a" & b</script>`, "what is seen", "one", "two", "100\u00a0%", "0.8"} {
		if !strings.Contains(text, want) {
			t.Errorf("the drawing does not say %q", want)
		}
	}
}

// The plotted area below one row of legend is 62 to 622 wide and 350 to 60 high:
// a quarter of a unit square lies at 62+140 and 350-72.5. What is no number
// interrupts the line.
func TestWherePointsLie(t *testing.T) {
	t.Parallel()
	svg := string(Lines{XSpan: Range{0, 1}, YSpan: Range{0, 1}, Series: []Series{{X: []float64{0, 0.25, math.NaN(), 1}, Y: []float64{0, 0.25, 0.5, 1}}}}.SVG())
	if want := `d="M62 350L202 277.5M622 60"`; !strings.Contains(svg, want) {
		t.Errorf("want %s in\n%s", want, svg)
	}
}

// Given ticks lie between 82 and 602, the first of them first.
func TestAxisDownwards(t *testing.T) {
	t.Parallel()
	svg := string(Lines{XTicks: []float64{120, 60, 5}, YSpan: Range{0, 1}, Series: []Series{{X: []float64{120, 62.5, 5}, Y: []float64{0, 0, 0}}}}.SVG())
	if want := `d="M82 350L342 350L602 350"`; !strings.Contains(svg, want) {
		t.Errorf("want %s in\n%s", want, svg)
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		span     Range
		smallest float64
		want     []string
	}{
		{Range{0, 1}, 0, []string{"0", "0.2", "0.4", "0.6", "0.8", "1"}},
		{Range{1, 3}, 1, []string{"1", "2", "3"}},
		{Range{0.312, 0.347}, 0, []string{"0.31", "0.32", "0.33", "0.34", "0.35"}},
		{Range{-3, 17}, 0, []string{"-5", "0", "5", "10", "15", "20"}},
		{Range{1, 300}, 1, []string{"0", "50", "100", "150", "200", "250", "300"}},
		{Range{2, 2}, 0, []string{"1.4", "1.6", "1.8", "2", "2.2", "2.4", "2.6"}},
	} {
		a := newAxis(c.span, c.smallest, 0, 100)
		var got []string
		for _, v := range a.ticks {
			got = append(got, a.label(v))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: ticks %q, want %q", c.span, got, c.want)
		}
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	svg := Bars{ID: "b", Title: "t", Labels: []string{"forecast_delay", "hour"}, Percent: true, ValueLabel: "share",
		Series: []BarSeries{{Name: "one", Values: []float64{0.75, 0.25}}, {Name: "two", Values: []float64{math.NaN(), 0}}}}.SVG()
	count, text := elements(t, svg)
	if count["rect"] != 1+1+2 { // paper, legend, two bars: what is 0 or not known has none
		t.Errorf("%d rectangles: want 4", count["rect"])
	}
	if !strings.Contains(text, "forecast_delay") || !strings.Contains(text, "share") {
		t.Errorf("the drawing says %q", text)
	}
}

func TestNothingToDraw(t *testing.T) {
	t.Parallel()
	for name, svg := range map[string][]byte{"lines": Lines{Title: "t"}.SVG(), "bars": Bars{Title: "t"}.SVG(), "NaN": Lines{Series: []Series{{X: []float64{math.NaN()}, Y: []float64{math.Inf(1)}}}}.SVG()} {
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("%s: %s", name, svg)
		}
		elements(t, svg)
	}
}
