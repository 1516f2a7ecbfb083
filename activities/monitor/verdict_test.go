package monitor

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/champion"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/internal/rulebook"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// board of what was raised, in order.
type raised struct{ all []schemas.Alert }

func (r *raised) RaiseAlerts(_ context.Context, _ string, all []schemas.Alert) error {
	r.all = append(r.all, all...)
	return nil
}

func (r *raised) firing() []string {
	var names []string
	for _, a := range r.all {
		if !a.Resolved {
			names = append(names, a.Name)
		}
	}
	return names
}

// switches is the workflow of a model without its API instances. learningModel has a
// lifecycle under way.
type switches struct{ registry.Registry }

const learningModel = "learning"

func (s switches) Running(_ context.Context, workflowID string) (bool, error) {
	return workflowID == "lifecycle/"+learningModel, nil
}

func (s switches) Rollback(ctx context.Context, id, model string, r schemas.RollbackRequest) (schemas.SwitchResult, error) {
	aliases, _, err := s.Switch(ctx, schemas.SwitchInput{Model: model, Rollback: true, Digest: r.Digest, Actor: r.Actor, Reason: r.Reason, At: r.At, Token: id})
	if err != nil {
		return schemas.SwitchResult{}, err
	}
	return schemas.SwitchResult{Champion: *aliases.Champion, Note: "0 of 0"}, nil
}

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }

// house is monitoring on real servers: ClickHouse and S3.
type house struct {
	*Activities
	t      *testing.T
	db     *warehouse.DB
	told   *raised
	bucket *objstore.Store
	reg    registry.Registry
	loader *champion.Loader
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	bucket, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	require.NoError(t, err)
	h := &house{t: t, db: db, told: &raised{}, bucket: bucket, reg: registry.Registry{Store: bucket, NotFound: objstore.ErrNotFound}}
	key, err := modelpkg.LoadOrCreateKey(t.TempDir() + "/key.pem")
	require.NoError(t, err)
	h.loader = &champion.Loader{Registry: h.reg, Objects: bucket, Keys: []modelpkg.PublicKey{key.Public()}, Dir: t.TempDir()}
	h.Activities = &Activities{Store: db, Champions: h.loader, Registry: h.reg, Promoter: switches{h.reg}, Objects: bucket, Alerts: h.told, Clock: fixed(fourth(0)),
		Name: "test", Policy: rulebook.Default()}
	return h
}

// fourth is four in the morning after day n.
func fourth(n int) time.Time { return time.Date(2024, 11, 1+n, 4, 0, 0, 0, time.UTC) }

func number64(v float64) *float64 { return &v }

// night measures day n by hand.
func night(n int, signals ...schemas.Signal) schemas.Signals {
	return schemas.Signals{Model: schemas.DefaultModel, Version: 2, Digest: fmt.Sprintf("%064d", 2), Day: fourth(n).AddDate(0, 0, -1).Format("2006-01-02"), AsOf: fourth(n),
		Source: "panel", Events: 800, Predictions: 900, ChampionSince: fourth(-20), PreviousVersion: 1, Signals: signals}
}

func worse(v float64) schemas.Signal {
	return schemas.Signal{Name: schemas.SignalBrierRatio, Value: number64(v), Events: 800}
}

func relative(v float64) schemas.Signal {
	return schemas.Signal{Name: schemas.SignalRelativeBrier, Value: number64(v), Events: 800}
}

func skilled(v float64) schemas.Signal {
	return schemas.Signal{Name: schemas.SignalSkill, Value: number64(v), Events: 800}
}

// live decides, acts as the workflow would and stores.
func (h *house) live(in schemas.MonitorInput, s schemas.Signals, act schemas.Act) schemas.MonitorResult {
	h.t.Helper()
	v, err := h.Decide(h.t.Context(), in, s)
	require.NoError(h.t, err)
	r := schemas.MonitorResult{Signals: s, Verdict: v}
	if v.Kind != schemas.VerdictNothing && v.Kind != schemas.VerdictAlert {
		r.Act = act
	}
	for range 2 { // repeated, it changes nothing
		require.NoError(h.t, h.Record(h.t.Context(), in, r))
	}
	require.NoError(h.t, h.Tell(h.t.Context(), r))
	return r
}

// explained decides every stored verdict again.
func (h *house) explained() map[string]rulebook.Explained {
	h.t.Helper()
	rows, err := h.db.FindVerdicts(h.t.Context(), schema.VerdictQuery{Model: schemas.DefaultModel})
	require.NoError(h.t, err)
	all := map[string]rulebook.Explained{}
	for _, row := range rows {
		stored, err := rulebook.Stored(row)
		require.NoError(h.t, err)
		var named []schema.Verdict
		if ids := slices.Concat(stored.Nights, stored.Taken); len(ids) > 0 {
			named, err = h.db.FindVerdicts(h.t.Context(), schema.VerdictQuery{Model: row.Model, IDs: ids})
			require.NoError(h.t, err)
		}
		e, err := rulebook.Explain(row, named)
		require.NoError(h.t, err)
		all[row.Day] = e
	}
	return all
}

// TestWeeksOfNights lives through a story on the real stores, and decides every
// night of it again from what is stored.
func TestWeeksOfNights(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	story := []struct {
		ratio, relative float64
		want            schemas.VerdictKind
	}{
		{1.0, 1, schemas.VerdictNothing}, {1.3, 1.2, schemas.VerdictNothing},
		{1.3, 1.2, schemas.VerdictRetrain}, // two of three
		{1.3, 1.2, schemas.VerdictAlert},   // cool-down of three days
		{1.2, 1.12, schemas.VerdictAlert},  // between the thresholds the rule goes on
		{1.3, 1.2, schemas.VerdictRetrain}, // three days later
		{1.3, 1.2, schemas.VerdictAlert}, {1.3, 1.2, schemas.VerdictAlert},
		{1.3, 1.2, schemas.VerdictSearch}, // two retrainings did not help
		{1.8, 1, schemas.VerdictNothing},  // a hard day for everybody: the railway's forecast was as bad
	}
	for n, tonight := range story {
		r := h.live(schemas.MonitorInput{Model: schemas.DefaultModel}, night(n, worse(tonight.ratio), relative(tonight.relative), skilled(0.1)), schemas.ActStarted)
		require.Equal(t, tonight.want, r.Verdict.Kind, "night %d: %s", n, strings.Join(r.Verdict.Reasons, "\n"))
		require.Equal(t, "default", r.Verdict.Policy.Name)
	}
	explained := h.explained()
	require.Len(t, explained, len(story))
	for n, tonight := range story {
		e := explained[night(n).Day]
		require.Empty(t, e.Difference, "night %d", n)
		require.Equal(t, tonight.want, e.Again.Kind)
		require.Len(t, e.Case.Nights, n+1)
	}
	require.Len(t, explained[night(8).Day].Case.Taken, 2)

	// The night is judged anew with the same moment: the same verdict.
	again, err := h.Decide(t.Context(), schemas.MonitorInput{Model: schemas.DefaultModel}, night(8, worse(1.3), relative(1.2), skilled(0.1)))
	require.NoError(t, err)
	require.Equal(t, schemas.VerdictSearch, again.Kind)

	// A row that was changed afterwards is found out.
	row := explained[night(2).Day].Row
	row.Figures = strings.Replace(row.Figures, "1.3", "1.1", 1)
	e, err := rulebook.Explain(row, nil)
	require.NoError(t, err)
	require.Contains(t, e.Difference, "looked at nights")
	row = explained[night(0).Day].Row
	row.Policy = strings.Replace(row.Policy, "1.15", "1.5", 1)
	e, err = rulebook.Explain(row, nil)
	require.NoError(t, err)
	require.Contains(t, e.Difference, "decided by policy default version ")

	require.Contains(t, h.told.firing(), "worse")
	last := h.told.all[len(h.told.all)-1]
	require.True(t, last.Resolved, "everything is over in the last night: %+v", last)
}

func TestAPolicyOfTheInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	strict := h.live(schemas.MonitorInput{Model: schemas.DefaultModel, Policy: schemas.Policy{MaxBrierLoss: 1.05}}, night(0, worse(1.1)), schemas.ActJoined)
	require.Equal(t, schemas.VerdictRetrain, strict.Verdict.Kind)
	require.Equal(t, "limits", strict.Verdict.Policy.Name)
	file := "version: 7\nname: mine\nevents: 10\nrules: [{name: any, why: w, when: [{signal: brier_ratio, above: 1}], then: recalibrate}]\n"
	mine := h.live(schemas.MonitorInput{Model: schemas.DefaultModel, PolicyFile: file}, night(1, worse(1.1)), schemas.ActFailed)
	require.Equal(t, schemas.VerdictRecalibrate, mine.Verdict.Kind)
	require.Equal(t, 7, mine.Verdict.Policy.Version)
	require.Contains(t, h.told.firing(), alertAction)
	for day, e := range h.explained() {
		require.Empty(t, e.Difference, day)
	}
	_, err := h.Decide(t.Context(), schemas.MonitorInput{PolicyFile: "version: 7\nname: mine\nevents: 10\nrules: [{name: any, why: w, when: [{signal: luck, above: 1}], then: alert}]\n"}, night(2))
	require.ErrorContains(t, err, `policy_file:4: rules[0].when[0].signal: "luck": want one of`)
	_, err = h.Decide(t.Context(), schemas.MonitorInput{PolicyFile: file, Policy: schemas.Policy{MinEvents: 1}}, night(2))
	require.ErrorContains(t, err, "not both")
}

func TestALifecycleUnderWayIsSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for model, want := range map[string]bool{learningModel: true, schemas.DefaultModel: false} {
		learning, err := h.Learning(t.Context(), model)
		require.NoError(t, err)
		require.Equal(t, want, learning, model)
	}
}

// TestAPackageThatIsGone: the alias names a package whose objects are not there.
func TestAPackageThatIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.champion(1)
	h.champion(2)
	s, err := h.Measure(t.Context(), schemas.MonitorInput{Model: schemas.DefaultModel, Day: "2024-10-31"})
	require.NoError(t, err, "it is no reason to crash")
	require.Contains(t, s.Fault, "the package of punctuality@2 cannot be read")
	require.Equal(t, 1, s.PreviousVersion)
	ratio := s.Signal(schemas.SignalBrierRatio)
	require.Nil(t, ratio.Value)
	require.Contains(t, s.Signal(schemas.SignalFeatureDrift).Note, "cannot be read")
	r := h.live(schemas.MonitorInput{Model: schemas.DefaultModel}, s, "")
	require.Equal(t, schemas.VerdictAlert, r.Verdict.Kind)
	require.Equal(t, schemas.AlertCritical, r.Verdict.Severity)
	require.Equal(t, []string{alertPackage}, h.told.firing())
	require.Empty(t, h.explained()["2024-10-31"].Difference)
}

// champion makes version n champion; its package is a name without objects.
func (h *house) champion(n int) schemas.PackageRef {
	h.t.Helper()
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: n, Digest: fmt.Sprintf("%064d", n), Prefix: fmt.Sprintf("models/punctuality/%d", n), Created: fourth(-20)}
	_, err := h.reg.NextVersion(h.t.Context(), ref.Model, fmt.Sprint("run-", n))
	require.NoError(h.t, err)
	require.NoError(h.t, h.reg.Register(h.t.Context(), ref))
	_, _, err = h.reg.Switch(h.t.Context(), schemas.SwitchInput{Model: ref.Model, Package: ref, Actor: "test", Reason: "test", At: fourth(-20 + n), Token: ref.Digest})
	require.NoError(h.t, err)
	return ref
}

func TestRollBackReturnsToTheChampionBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.champion(1)
	h.champion(2)
	note, err := h.RollBack(t.Context(), schemas.MonitorInput{}, night(0), schemas.Verdict{Reasons: []string{"worse"}})
	require.NoError(t, err)
	require.Contains(t, note, "punctuality@1 is champion again")
	aliases, _, err := h.reg.Aliases(t.Context(), schemas.DefaultModel)
	require.NoError(t, err)
	require.Equal(t, first, aliases.Champion.Package)
	require.Equal(t, "monitor", aliases.Champion.Actor)
	require.Equal(t, "verdict of 2024-10-31: worse", aliases.Champion.Reason)
	note, err = h.RollBack(t.Context(), schemas.MonitorInput{}, night(0), schemas.Verdict{})
	require.NoError(t, err)
	require.Contains(t, note, "punctuality@2 is not champion any more", "the version that was judged is gone already")
}

func TestEvidenceIsHandedOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	in := schemas.MonitorInput{Model: schemas.DefaultModel}
	h.live(in, night(0, worse(1.0)), "")
	s := night(1, schemas.Signal{Name: schemas.SignalSkew, Value: number64(0.2), Events: 50})
	require.NoError(t, h.db.SaveScores(t.Context(), "brier", []schema.Score{{Model: s.Model, Version: 2, Digest: s.Digest, Role: schema.RoleChampion, Source: schema.FromPanel, DataSource: "test",
		Evidence: "change_observed", FromDay: s.Day, UntilDay: "2024-11-02", Metric: "brier", Value: 0.1, Events: 800, Days: 1, ScoredAt: s.AsOf}}))
	r := h.live(in, s, schemas.ActStarted)
	require.Equal(t, schemas.VerdictHandover, r.Verdict.Kind)
	key, err := h.HandOver(t.Context(), in, s, r.Verdict)
	require.NoError(t, err)
	body, _, err := h.bucket.Get(t.Context(), key)
	require.NoError(t, err)
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	contents := map[string]string{}
	for _, f := range archive.File {
		opened, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(opened)
		require.NoError(t, err)
		contents[f.Name] = string(text)
	}
	require.Len(t, contents, 7)
	require.Contains(t, contents["README.md"], "# punctuality@2 on 2024-11-01: handover")
	require.Contains(t, contents["README.md"], "skew fires: skew 0.2, above 0.01, on 50")
	require.Contains(t, contents["nights.json"], `"day": "2024-10-31"`)
	require.Contains(t, contents["scores.csv"], "2024-11-01,2024-11-02,2,champion,panel,0,,,brier,0.1,")
	book, err := rulebook.Parse("policy.json", []byte(contents["policy.json"]))
	require.NoError(t, err)
	require.Equal(t, rulebook.Default(), book)
	again, err := h.HandOver(t.Context(), in, s, r.Verdict)
	require.NoError(t, err)
	require.Equal(t, key, again)
}

func TestWhatIsNotKnownChangesNoAlert(t *testing.T) {
	t.Parallel()
	state := func(stand schemas.RuleStand) schemas.RuleState {
		return schemas.RuleState{Rule: string(stand), State: stand, Then: schemas.VerdictAlert, Severity: schemas.AlertWarning, Reason: "a number", Since: fourth(-3)}
	}
	r := schemas.MonitorResult{Signals: night(0), Verdict: schemas.Verdict{Kind: schemas.VerdictAlert, Rule: "fires",
		Rules: []schemas.RuleState{state(schemas.RuleFires), state(schemas.RuleQuiet), state(schemas.RuleUnknown)}}, Report: "reports/x.html"}
	got := map[string]bool{}
	for _, a := range alerts(r, "monitor/x") {
		got[a.Name] = a.Resolved
		require.Equal(t, "monitor/x", a.Workflow)
		if a.Name == "fires" {
			require.Equal(t, fourth(-3), a.Since, "since it began, not since tonight")
			require.Equal(t, "reports/x.html", a.Details["report"])
		}
	}
	require.Equal(t, map[string]bool{"fires": false, "quiet": true, alertPackage: true, alertForecasts: true}, got)
}
