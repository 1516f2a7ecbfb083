package experiment_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/experiment"
	"puenktlich/internal/experiment/experimenttest"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorded are three runs in real stores.
func recorded(t *testing.T) (experiment.Reader, experimenttest.Stores) {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	must(t, err)
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	stores := experimenttest.Stores{DB: db, Objects: objects}
	experimenttest.Record(t, stores)
	return reader(db, objects), stores
}

func reader(db *warehouse.DB, objects *objstore.Store) experiment.Reader {
	return experiment.Reader{Store: db, Objects: objects, NotFound: objstore.ErrNotFound, Away: func(err error) bool {
		return errors.Is(err, warehouse.ErrUnavailable) || errors.Is(err, objstore.ErrUnavailable)
	}}
}

func TestList(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	for name, c := range map[string]struct {
		filter  experiment.Filter
		runs    string
		metrics string
	}{
		"newest first":      {experiment.Filter{}, "depth-9 depth-4 depth-2", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
		"lower is better":   {experiment.Filter{Sort: "oof_brier"}, "depth-4 depth-2 depth-9", "oof_brier test_skill_h60 oof_log_loss valid_log_loss"},
		"worst first":       {experiment.Filter{Sort: "oof_brier", Reverse: true}, "depth-2 depth-4 depth-9", "oof_brier test_skill_h60 oof_log_loss valid_log_loss"},
		"higher is better":  {experiment.Filter{Sort: "test_skill_h60", Limit: 1}, "depth-4", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
		"chosen":            {experiment.Filter{Status: schema.RunFinished, Metrics: []string{"rounds"}}, "depth-4 depth-2", "rounds"},
		"every metric":      {experiment.Filter{Metrics: []string{experiment.AllMetrics}, Limit: 1}, "depth-9", "oof_brier oof_log_loss rounds test_skill_h60 train_log_loss valid_log_loss"},
		"of another model":  {experiment.Filter{Model: "other"}, "", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
		"since":             {experiment.Filter{Since: experimenttest.Begin.Add(time.Minute)}, "depth-9 depth-4", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
		"of a data set":     {experiment.Filter{Dataset: experimenttest.Dataset[:6], Limit: 2}, "depth-9 depth-4", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
		"of some other one": {experiment.Filter{Dataset: "e"}, "", "test_skill_h60 oof_log_loss oof_brier valid_log_loss"},
	} {
		got, err := r.List(t.Context(), c.filter)
		var names []string
		for _, run := range got.Runs {
			names = append(names, run.Name)
		}
		if err != nil || strings.Join(names, " ") != c.runs || strings.Join(got.Metrics, " ") != c.metrics {
			t.Errorf("%s: got %q with %q, %v; want %q with %q", name, names, got.Metrics, err, c.runs, c.metrics)
		}
	}
	got, err := r.List(t.Context(), experiment.Filter{Sort: "oof_brier", Limit: 1})
	if err != nil || len(got.Runs) != 1 || got.Runs[0].Name != "depth-4" || math.Abs(float64(got.Runs[0].Metrics["valid_log_loss"])-0.48) > 1e-12 {
		t.Errorf("got %+v, %v: want the last step's values", got.Runs, err)
	}
	var unknown *experiment.UnknownMetricError
	if _, err := r.List(t.Context(), experiment.Filter{Sort: "oof_bier"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), `"oof_brier"`) {
		t.Errorf("got %v, want the metrics there are", err)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	records, err := r.Show(t.Context(), "a1b", experimenttest.Failed, "a1b2")
	must(t, err)
	if len(records) != 2 || records[0].ID != experimenttest.Shallow || records[1].Error != "450 of 450 rows are late" {
		t.Fatalf("got %+v", records)
	}
	one := records[0]
	if one.Params["max_depth"] != "2" || one.Environment["threads"] != "2" || len(one.Series["train_log_loss"]) != 3 || one.Series["train_log_loss"][2].Step != 3 || one.Actor != "anna" {
		t.Errorf("got %+v", one)
	}
	var left []string
	for _, a := range one.Artifacts {
		left = append(left, a.Name+" "+string(a.State))
	}
	if want := []string{"evaluation kept", "learned kept", "out_of_fold kept"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
	if _, err := json.Marshal(records); err != nil {
		t.Error(err)
	}
}

func TestWhichRunIsMeant(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	for id, want := range map[string]string{
		"a1":               `"a1" begins several runs: a1b2c3d4e5f60718 (depth-2), a1ffc3d4e5f60718 (depth-4); give more of the id`,
		"c0ffef":           `there is no run "c0ffef"; near it: c0ffee0011223344 (depth-9)`,
		"depth-4":          `there is no run "depth-4"; near it: a1ffc3d4e5f60718 (depth-4)`,
		"zzz":              `there is no run "zzz"; ` + "`puenktlich runs list` names those there are",
		"":                 `there is no run ""; ` + "`puenktlich runs list` names those there are",
		"a1' OR 1=1 --":    `there is no run "a1' OR 1=1 --"; ` + "`puenktlich runs list` names those there are",
		"c0ffee00112233ff": `there is no run "c0ffee00112233ff"; near it: c0ffee0011223344 (depth-9)`,
	} {
		if _, err := r.Show(t.Context(), id); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", id, err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	records, err := r.Show(t.Context(), experimenttest.Shallow, experimenttest.Deep)
	must(t, err)
	c := experiment.Compare(records)
	var different []string
	for _, s := range c.Settings {
		if !s.Same {
			different = append(different, s.Name+": "+strings.Join(s.Values, ", "))
		}
	}
	if want := []string{"max_depth: 2, 4", "xgboost: 1.7.4, 3.0.0"}; !slices.Equal(different, want) || !c.Settings[2].Same {
		t.Errorf("different %q, want %q, before what is the same", different, want)
	}
	for _, row := range c.Metrics {
		want := map[string]struct {
			best       int
			difference float64
		}{"oof_brier": {1, -0.01}, "oof_log_loss": {1, -0.01}, "rounds": {-1, 0}, "test_skill_h60": {1, 0.01}, "train_log_loss": {-1, 0}, "valid_log_loss": {1, -0.01}}[row.Name]
		if row.Best != want.best || math.Abs(float64(row.Differences[1])-want.difference) > 1e-12 || row.Differences[0] != 0 {
			t.Errorf("%s: best %d, differences %v; want %+v", row.Name, row.Best, row.Differences, want)
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	nan := experiment.Number(math.NaN())
	for n, want := range map[experiment.Number][2]string{0: {"0", "0"}, 300: {"300", "+300"}, 0.1234567: {"0.123457", "+0.123457"}, -0.00006: {"-6e-05", "-0.00006"},
		-1e-9: {"-1e-09", "0"}, nan: {"-", "-"}, experiment.Number(math.Inf(1)): {"-", "-"}} {
		if got := [2]string{experiment.Digits(n), experiment.Signed(n)}; got != want {
			t.Errorf("%v: %q, want %q", float64(n), got, want)
		}
	}
}

// Names as training and evaluation write them.
func TestWhatAMetricSays(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ higher, neutral, important bool }{
		"test_skill_h60": {higher: true, important: true}, "test_skill_h5": {higher: true}, "test_brier": {important: true}, "oof_log_loss": {important: true},
		"valid_log_loss/fold-1": {}, "train_log_loss": {neutral: true, important: true}, "test_late_rate_h120": {neutral: true}, "calibration_events": {neutral: true},
		"test_skill_db_forecast": {higher: true}, "test_crps_minutes_h15": {}, "test_auc": {higher: true, important: true}, "rounds": {neutral: true}, "x": {},
	} {
		if experiment.HigherIsBetter(name) != want.higher || experiment.Neutral(name) != want.neutral || experiment.Important(name) != want.important {
			t.Errorf("%s: want %+v", name, want)
		}
	}
}

func TestCompareWhatSomeLack(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	records, err := r.Show(t.Context(), experimenttest.Failed, experimenttest.Deep)
	must(t, err)
	c := experiment.Compare(records)
	for _, row := range c.Metrics {
		if row.Best != -1 || row.Values[0].Exists() || row.Differences[1].Exists() {
			t.Errorf("%+v: one value is not the best of two", row)
		}
	}
	body, err := json.Marshal(c)
	if err != nil || !strings.Contains(string(body), `"values":[null,0.13`) {
		t.Errorf("%v: %s", err, body)
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	records, err := r.Show(t.Context(), experimenttest.Shallow, experimenttest.Deep)
	must(t, err)
	for language, words := range map[experiment.Language]map[string][]string{
		experiment.English: {
			"learning-curves": {"Learning curves: log_loss", "depth-2 a1b2c3 valid_log_loss: 0.49", "depth-4 a1ffc3 train_log_loss: 0.4"},
			"reliability":     {"Reliability of the probabilities", "depth-2 a1b2c3 (ECE 0.150)", "forecast probability of a delay"},
			"roc":             {"Discrimination", "depth-4 a1ffc3 (AUC 0.750)"},
			"skill":           {"Skill against the best baseline", "60 min 12.0 %, 5 min -2.0 %", "2024-11-01/2024-11-02"},
			"importance":      {"What the model goes by", "forecast_delay, hour", "share of the gain of all splits"},
		},
		experiment.German: {"skill": {"Vorsprung vor der besten Vergleichsprognose"}, "roc": {"Trennschärfe"}},
	} {
		drawings := r.Draw(t.Context(), records, language)
		if len(drawings) != 5 {
			t.Fatalf("%d drawings, want 5", len(drawings))
		}
		for _, d := range drawings {
			if d.SVG == nil || len(d.Missing) > 0 {
				t.Errorf("%s: not drawn, %q", d.Name, d.Missing)
			}
			for _, want := range words[d.Name] {
				if !strings.Contains(string(d.SVG), want) {
					t.Errorf("%s does not say %q", d.Name, want)
				}
			}
			keepPicture(t, d)
		}
	}
}

// keepPicture writes a drawing where one wants to look at it.
func keepPicture(t *testing.T, d experiment.Drawing) {
	t.Helper()
	if dir := os.Getenv("PICTURES"); dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, d.Name+".svg"), d.SVG, 0o644))
	}
}

// The drawings of runs that left nothing say so, one sentence each.
func TestDrawWhatIsGone(t *testing.T) {
	t.Parallel()
	r, stores := recorded(t)
	refs, err := stores.Objects.ListRefs(t.Context(), "runs/"+experimenttest.Deep+"/")
	must(t, err)
	for _, ref := range refs {
		must(t, stores.Objects.Delete(t.Context(), ref.Key))
	}
	records, err := r.Show(t.Context(), experimenttest.Deep, experimenttest.Failed)
	must(t, err)
	if a := records[0].Artifacts; len(a) != 2 || a[0].State != experiment.ArtifactGone {
		t.Errorf("artefacts %+v, want those recorded to be gone", a)
	}
	missing := map[string][]string{}
	for _, d := range r.Draw(t.Context(), records, experiment.English) {
		missing[d.Name] = d.Missing
		if d.Name != "learning-curves" && d.SVG != nil {
			t.Errorf("%s is drawn of nothing", d.Name)
		}
	}
	gone := missing["roc"][0]
	if !strings.HasPrefix(gone, "the out-of-fold predictions of run "+experimenttest.Deep+" (runs/") || !strings.HasSuffix(gone, "are gone; `puenktlich runs reproduce "+experimenttest.Deep+"` makes the run again") {
		t.Errorf("said %q", gone)
	}
	if want := "run depth-9 c0ffee has no learned trees"; missing["importance"][1] != want {
		t.Errorf("said %q, want %q", missing["importance"], want)
	}
	if want := "run depth-9 c0ffee has no metric by round"; missing["learning-curves"][0] != want {
		t.Errorf("said %q, want %q", missing["learning-curves"], want)
	}
}

func TestStoresAway(t *testing.T) {
	t.Parallel()
	r, stores := recorded(t)
	nowhere := objstore.Options(testenv.S3(t))
	nowhere.Endpoint = "http://127.0.0.1:1"
	objects, err := objstore.New(nowhere)
	must(t, err)
	noObjects := reader(stores.DB, objects)
	records, err := noObjects.Show(t.Context(), experimenttest.Deep)
	must(t, err)
	if a := records[0].Artifacts; len(a) != 2 || a[0].State != experiment.ArtifactUnknown {
		t.Errorf("artefacts %+v, want them unknown", a)
	}
	for _, d := range noObjects.Draw(t.Context(), records, experiment.English) {
		if d.Name == "roc" && (len(d.Missing) != 1 || !strings.Contains(d.Missing[0], "the object store does not answer")) {
			t.Errorf("said %q", d.Missing)
		}
	}
	db, err := warehouse.Open(warehouse.Options{Addr: "http://127.0.0.1:1"})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	r.Store = db
	if _, err := r.Show(t.Context(), "a"); !errors.Is(err, experiment.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if _, err := r.List(t.Context(), experiment.Filter{}); !errors.Is(err, experiment.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	records, err := r.Show(t.Context(), experimenttest.Shallow, experimenttest.Deep)
	must(t, err)
	same := experiment.Verify(records[0], records[0], false)
	if !same.Agrees || len(same.Findings) != 7 || len(same.Environment) != 0 {
		t.Errorf("with itself: %+v", same)
	}
	got := experiment.Verify(records[0], records[1], false)
	verdicts := map[string]bool{}
	for _, f := range got.Findings {
		verdicts[f.Name] = f.Agrees
	}
	if got.Agrees || !verdicts["data set"] || verdicts["oof_brier"] || !verdicts["train_log_loss"] || verdicts["valid_log_loss, step 1"] {
		t.Errorf("with another: %+v", verdicts)
	}
	if len(got.Environment) != 2 || got.Environment[1].Name != "xgboost" {
		t.Errorf("environment %+v", got.Environment)
	}
	shorter := records[0]
	shorter.Series = map[string][]experiment.Point{}
	for name, points := range records[0].Series {
		if name != "oof_brier" && name != "test_skill_h60" {
			shorter.Series[name] = points[:1]
		}
	}
	for _, f := range experiment.Verify(records[0], shorter, true).Findings {
		switch {
		case strings.HasPrefix(f.Name, "test_"):
			t.Errorf("%+v is left out", f)
		case f.Name == "oof_brier" && f.Rebuilt != "not recorded", f.Name == "train_log_loss" && f.Rebuilt != "1 steps":
			t.Errorf("%+v", f)
		}
	}
}
