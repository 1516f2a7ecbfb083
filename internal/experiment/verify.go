package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Tolerance is by how much metrics of a rebuilt run may differ, as a share of
// the recorded value or, below 1, in its unit: other processors add in another
// order.
const Tolerance = 1e-6

// testPrefix begins the metrics of days that the run was not trained on.
const testPrefix = "test_"

// Verify compares a rebuilt run with the recorded one: data set, every metric that
// the recorded one has, those of test days unless they are skipped, and of a
// recalibration its method and the package whose trees it has. What else differs is listed beside, without a verdict.
func Verify(recorded, rebuilt Record, skipTest bool) schemas.ReproduceResult {
	result := schemas.ReproduceResult{Recorded: recorded.ID, Rebuilt: rebuilt.ID, Agrees: true}
	result.Findings = append(result.Findings, schemas.Agreement{Name: "data set", Recorded: recorded.Dataset, Rebuilt: rebuilt.Dataset, Agrees: recorded.Dataset == rebuilt.Dataset})
	for _, name := range keys(recorded.Series) {
		if !skipTest || !strings.HasPrefix(name, testPrefix) {
			result.Findings = append(result.Findings, compareSeries(name, recorded.Series[name], rebuilt.Series[name]))
		}
	}
	for _, p := range []struct{ name, param string }{{"calibration method", schema.ParamCalibration}, {"trees of package", schema.ParamRecalibratedFrom}} {
		if was, is := recorded.Params[p.param], rebuilt.Params[p.param]; was != "" {
			result.Findings = append(result.Findings, schemas.Agreement{Name: p.name, Recorded: was, Rebuilt: is, Agrees: was == is})
		}
	}
	for _, f := range result.Findings {
		result.Agrees = result.Agrees && f.Agrees
	}
	judged := []string{"data set", "manifest", schema.ParamCalibration, schema.ParamRecalibratedFrom}
	for _, s := range Compare([]Record{recorded, rebuilt}).Settings {
		if !s.Same && !slices.Contains(judged, s.Name) {
			result.Environment = append(result.Environment, schemas.Agreement{Name: s.Name, Recorded: s.Values[0], Rebuilt: s.Values[1]})
		}
	}
	return result
}

// compareSeries compares a metric step by step, and shows the first step that
// differs, or else the last one.
func compareSeries(name string, recorded, rebuilt []Point) schemas.Agreement {
	last := recorded[len(recorded)-1]
	if len(recorded) != len(rebuilt) {
		f := schemas.Agreement{Name: name, Recorded: Digits(last.Value), Rebuilt: "not recorded"}
		if len(rebuilt) > 0 {
			f.Recorded, f.Rebuilt = fmt.Sprintf("%d steps", len(recorded)), fmt.Sprintf("%d steps", len(rebuilt))
		}
		return f
	}
	for i, p := range recorded {
		if p.Step != rebuilt[i].Step || !near(p.Value, rebuilt[i].Value) {
			return schemas.Agreement{Name: fmt.Sprintf("%s, step %d", name, p.Step), Recorded: Digits(p.Value), Rebuilt: Digits(rebuilt[i].Value)}
		}
	}
	return schemas.Agreement{Name: name, Recorded: Digits(last.Value), Rebuilt: Digits(rebuilt[len(rebuilt)-1].Value), Agrees: true}
}

func near(x, y Number) bool {
	if !x.Exists() || !y.Exists() {
		return x.Exists() == y.Exists()
	}
	return math.Abs(float64(x-y)) <= Tolerance*max(1, math.Abs(float64(x)))
}

// Digits writes a value with six significant digits, whole numbers in full, and
// a dash for what does not exist.
func Digits(n Number) string {
	switch v := float64(n); {
	case !n.Exists():
		return "-"
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
}

// Signed writes a difference with its sign and six digits after the point, 0 for
// what is smaller.
func Signed(n Number) string {
	if !n.Exists() {
		return "-"
	}
	millionths := math.Round(float64(n) * 1e6)
	if millionths == 0 {
		return "0"
	}
	text := strconv.FormatFloat(millionths/1e6, 'f', -1, 64)
	if millionths > 0 {
		return "+" + text
	}
	return text
}

// Report reads the run's newest evaluation; found is false where it has none,
// or it is gone.
func (r Reader) Report(ctx context.Context, run Record) (report schemas.Report, found bool, err error) {
	at := slices.IndexFunc(run.Artifacts, func(a Artifact) bool { return a.Name == schema.ArtifactReport })
	if at < 0 || run.Artifacts[at].State == ArtifactGone {
		return report, false, nil
	}
	body, _, err := r.Objects.Get(ctx, run.Artifacts[at].Key)
	if errors.Is(err, r.NotFound) {
		return report, false, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &report)
	}
	if err != nil {
		return report, false, fmt.Errorf("read evaluation of run %s: %w", run.ID, err)
	}
	return report, true, nil
}
