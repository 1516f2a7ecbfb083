package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"puenktlich/schemas"
)

// The size of a small distribution.
const (
	shapeWidth, shapeHeight = 168, 36
	shapeGap                = 2
)

// SVG draws two histograms over each other: outlined the reference, filled the
// night.
func (s Shape) SVG() template.HTML {
	n := max(len(s.Reference), len(s.Night))
	top := 0.0
	for i := range n {
		top = max(top, at(s.Reference, i), at(s.Night, i))
	}
	if n == 0 || top == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="shape" viewBox="0 0 %d %d" width="%d" height="%d" role="img"><title>%s</title>`, shapeWidth, shapeHeight, shapeWidth, shapeHeight, html.EscapeString(s.told()))
	width := (float64(shapeWidth) - shapeGap*float64(n-1)) / float64(n)
	for i := range n {
		x := float64(i) * (width + shapeGap)
		tall := func(share float64) float64 { return share / top * (shapeHeight - 2) }
		fmt.Fprintf(&b, `<rect class="now" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x, shapeHeight-1-tall(at(s.Night, i)), width, tall(at(s.Night, i)))
		y := shapeHeight - 1 - tall(at(s.Reference, i))
		fmt.Fprintf(&b, `<line class="then" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, x, x+width, y, y)
	}
	fmt.Fprintf(&b, `<line class="base" x1="0" x2="%d" y1="%d" y2="%d"/></svg>`, shapeWidth, shapeHeight, shapeHeight)
	return template.HTML(b.String())
}

// told is the drawing in words: where the night lies more often and more rarely.
func (s Shape) told() string {
	more, less := 0, 0
	for i := range max(len(s.Reference), len(s.Night)) {
		difference := at(s.Night, i) - at(s.Reference, i)
		if difference > at(s.Night, more)-at(s.Reference, more) {
			more = i
		}
		if difference < at(s.Night, less)-at(s.Reference, less) {
			less = i
		}
	}
	return fmt.Sprintf("%s: %s %.0f %% now, %.0f %% then; %s %.0f %% now, %.0f %% then", s.Feature, s.label(more), 100*at(s.Night, more), 100*at(s.Reference, more),
		s.label(less), 100*at(s.Night, less), 100*at(s.Reference, less))
}

func (s Shape) label(i int) string {
	if i < len(s.Labels) {
		return s.Labels[i]
	}
	return "bin " + strconv.Itoa(i+1)
}

func at(values []float64, i int) float64 {
	if i < len(values) {
		return values[i]
	}
	return 0
}

// figure writes a score; a dash for none.
func figure(v any) string {
	f, is := number(v)
	if !is {
		return "–"
	}
	return fmt.Sprintf("%.4f", f)
}

// points writes a signal's value with three digits that count.
func points(v any) string {
	f, is := number(v)
	if !is {
		return "–"
	}
	if math.Abs(f) >= 1000 {
		return thousands(int64(math.Round(f)))
	}
	return fmt.Sprintf("%.3g", f)
}

func percent(v any) string {
	f, is := number(v)
	if !is {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*f)
}

func signed(v any) string {
	f, is := number(v)
	if !is {
		return "–"
	}
	return strings.Replace(fmt.Sprintf("%+.1f %%", 100*f), "-", "−", 1)
}

// number is a figure that exists.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, v == v && v-v == 0
	case *float64:
		if v == nil {
			return 0, false
		}
		return number(*v)
	}
	return 0, false
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// thousands writes a count with thin gaps.
func thousands(v any) string {
	digits := fmt.Sprint(v)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f")
		}
		b.WriteRune(d)
	}
	return b.String()
}

// word is a signal's name in plain words.
func word(name schemas.SignalName) string {
	if text, found := words()[name]; found {
		return text
	}
	return string(name)
}

func words() map[schemas.SignalName]string {
	return map[schemas.SignalName]string{
		schemas.SignalBrierRatio:     "error against what the evaluation promised (1 is as promised)",
		schemas.SignalRelativeBrier:  "the same beside what the railway's forecast lost (weather is in both)",
		schemas.SignalSkill:          "skill against the railway's calibrated forecast",
		schemas.SignalECE:            "calibration error",
		schemas.SignalBias:           "how far the average forecast is off",
		schemas.SignalSliceBiasDrift: "one section stays off from all others (above 1 it is found)",
		schemas.SignalBiasDrift:      "the average forecast stays off on one side (above 1 it is found)",
		schemas.SignalEstimateGap:    "gap between estimated and true error",
		schemas.SignalConceptDrift:   "concept drift (above 1 it is found)",
		schemas.SignalLabelDrift:     "delays, distance from those learned from",
		schemas.SignalOutputDrift:    "forecasts, distance from those of the reference",
		schemas.SignalFeatureDrift:   "share of what the model rests on that moved",
		schemas.SignalMissing:        "greatest rise of missing values",
		schemas.SignalNewCategories:  "rows with something training did not know",
		schemas.SignalClassifierAUC:  "a classifier tells today from then (0.5 is not at all)",
		schemas.SignalCoverage:       "station-hours polled without a gap",
		schemas.SignalFreshness:      "age of the newest observation, minutes",
		schemas.SignalUnknown:        "events whose outcome stayed unknown",
		schemas.SignalSchemaSurprise: "surprises in 1,000 responses of the source",
		schemas.SignalSkew:           "requests that training's path computes otherwise",
		schemas.SignalEvents:         "forecasts with a truth",
	}
}
