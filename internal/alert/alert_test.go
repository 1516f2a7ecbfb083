package alert_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/alert"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// hook is a webhook that keeps what it is told and answers as it is set.
type hook struct {
	*httptest.Server
	status atomic.Int64
	asked  atomic.Int64
	mu     sync.Mutex
	told   []alert.Message
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.status.Store(http.StatusNoContent)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		status := int(h.status.Load())
		var m alert.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			status = http.StatusBadRequest
		}
		if status < 300 {
			h.mu.Lock()
			h.told = append(h.told, m)
			h.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

// heard are state and severity of each message, in their order.
func (h *hook) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := []string{}
	for _, m := range h.told {
		all = append(all, m.State+" "+m.Severity)
	}
	return all
}

// now is a moment of domain time.
type now time.Time

func (n now) Now() time.Time { return time.Time(n) }

var evening = time.Date(2024, 11, 1, 20, 0, 0, 0, time.UTC)

func database(t *testing.T) *warehouse.DB {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	return db
}

func center(store alert.Store, h *hook) *alert.Center {
	o := alert.Options{Store: store, Clock: now(evening), UI: "http://ui.example/", Namespace: "default"}
	if h != nil {
		o.Webhook = h.URL
	}
	return alert.New(o)
}

func coverage(severity schemas.AlertSeverity, since time.Time) schemas.Alert {
	return schemas.Alert{Name: "coverage", Subject: "frankfurt-hbf", Severity: severity, Summary: "71 % of the station-hours were polled without a gap: look at the collector.",
		Since: since, Details: map[string]string{"hours": "17"}, Workflow: "monitor/2024-11-01"}
}

func over(a schemas.Alert) schemas.Alert {
	a.Resolved, a.Summary = true, "99 % were polled."
	return a
}

// Domain time stands still where a recording has ended.
func TestAnAlertThatComesAgainAtTheSameMoment(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	c := center(db, h)
	a := coverage(schemas.AlertWarning, evening)
	for _, next := range []schemas.Alert{a, a, over(a), a, a, over(a), over(a), a} {
		require.NoError(t, c.RaiseAlert(t.Context(), next))
	}
	require.Equal(t, []string{"firing warning", "resolved warning", "firing warning", "resolved warning", "firing warning"}, h.heard())
	all, err := db.AlertsRaisedAt(t.Context(), a.Name, a.Subject, evening)
	require.NoError(t, err)
	require.Len(t, all, 3)
	firing, err := db.FiringAlerts(t.Context(), a.Name, a.Subject)
	require.NoError(t, err)
	require.Len(t, firing, 1)
	require.Equal(t, "coverage/frankfurt-hbf/1730491200000/3", firing[0].AlertID)
}

func TestAnAlertIsToldOnceAndAgainWhenItWorsensOrEnds(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	c := center(db, h)
	began := evening.Add(-3 * time.Hour)
	for _, a := range []schemas.Alert{
		over(coverage(schemas.AlertWarning, began)), // nothing fires: nothing to tell
		coverage(schemas.AlertWarning, began), coverage(schemas.AlertWarning, began.Add(time.Hour)), coverage(schemas.AlertInfo, began.Add(time.Hour)),
		coverage(schemas.AlertCritical, began.Add(2*time.Hour)), coverage(schemas.AlertWarning, began.Add(2*time.Hour)), coverage(schemas.AlertCritical, began.Add(2*time.Hour)),
		over(coverage(schemas.AlertCritical, began)), over(coverage(schemas.AlertCritical, began)),
	} {
		require.NoError(t, c.RaiseAlert(t.Context(), a))
	}
	require.Equal(t, []string{"firing warning", "firing critical", "resolved critical"}, h.heard())
	first, last := h.told[0], h.told[2]
	require.Equal(t, began, first.Since)
	require.Nil(t, first.Until)
	require.JSONEq(t, `{"hours":"17"}`, string(first.Details))
	require.Equal(t, "http://ui.example/namespaces/default/workflows/monitor%2F2024-11-01", first.Link)
	require.Equal(t, "WARNING coverage (frankfurt-hbf): 71 % of the station-hours were polled without a gap: look at the collector. Since 2024-11-01 17:00 UTC. "+first.Link, first.Text)
	require.Equal(t, began, last.Since)
	require.Equal(t, evening, *last.Until)
	require.Contains(t, last.Text, "RESOLVED coverage (frankfurt-hbf): 99 % were polled.")

	stored, err := db.Alerts(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, stored, 1)
	require.Equal(t, schema.AlertResolved, stored[0].State)
	require.Equal(t, "resolved", stored[0].Told)

	// It begins anew: another alert, the old one is kept.
	require.NoError(t, c.RaiseAlert(t.Context(), coverage(schemas.AlertWarning, evening)))
	require.Equal(t, "firing warning", h.heard()[3])
	stored, err = db.Alerts(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, stored, 2)
}

func TestAWebhookThatIsDownLosesNothing(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	h.status.Store(http.StatusBadGateway)
	c := center(db, h)
	require.NoError(t, c.RaiseAlert(t.Context(), coverage(schemas.AlertWarning, evening)), "raised all the same")
	require.Equal(t, int64(3), h.asked.Load(), "tried three times")
	require.ErrorContains(t, c.Flush(t.Context()), "502")
	require.Empty(t, h.heard())

	h.status.Store(http.StatusOK)
	again := center(db, h) // another process: the state is in the store
	require.NoError(t, again.Flush(t.Context()))
	require.NoError(t, again.Flush(t.Context()))
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, []string{"firing warning"}, h.heard())

	h.Close()
	require.NoError(t, c.RaiseAlert(t.Context(), over(coverage(schemas.AlertWarning, evening))))
	err := c.Flush(t.Context())
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), h.URL, "the address may be a secret")
}

func TestAnAlertTheWebhookRefusesDoesNotKeepOthersBack(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	h.status.Store(http.StatusForbidden)
	c := center(db, h)
	drift := coverage(schemas.AlertCritical, evening.Add(time.Minute))
	drift.Name = "drift"
	require.NoError(t, c.RaiseAlert(t.Context(), coverage(schemas.AlertWarning, evening)))
	require.NoError(t, c.RaiseAlert(t.Context(), drift))
	require.Equal(t, int64(2), h.asked.Load(), "a refusal is not tried again at once")
	require.ErrorContains(t, c.Flush(t.Context()), "refuses alert drift/frankfurt-hbf")
	require.Equal(t, int64(4), h.asked.Load())
	h.status.Store(http.StatusOK)
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, []string{"firing warning", "firing critical"}, h.heard())
}

func TestWithoutAWebhookAlertsAreKept(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	silent := center(db, nil)
	other := coverage(schemas.AlertWarning, evening)
	other.Subject = "berlin"
	require.NoError(t, silent.RaiseAlert(t.Context(), other))
	require.NoError(t, silent.RaiseAlert(t.Context(), over(other)))
	require.NoError(t, silent.RaiseAlert(t.Context(), coverage(schemas.AlertWarning, evening)))
	require.NoError(t, center(db, h).Flush(t.Context()))
	require.Equal(t, []string{"firing warning"}, h.heard(), "what still fires is told once there is a webhook; what is over is not")
}

// away is the store while it cannot be reached.
type away struct {
	*warehouse.DB
	gone  atomic.Bool
	asked atomic.Int64
}

var errGone = errors.New("store is away")

func (a *away) FiringAlerts(ctx context.Context, name, subject string) ([]schema.Alert, error) {
	a.asked.Add(1)
	if a.gone.Load() {
		return nil, errGone
	}
	return a.DB.FiringAlerts(ctx, name, subject)
}

func TestWithoutAStoreItIsToldAndKeptUntilThereIsOne(t *testing.T) {
	t.Parallel()
	db, h := &away{DB: database(t)}, newHook(t)
	db.gone.Store(true)
	c := center(db, h)
	require.NoError(t, c.RaiseAlert(t.Context(), coverage(schemas.AlertCritical, evening)))
	require.NoError(t, c.RaiseAlert(t.Context(), coverage(schemas.AlertCritical, evening)))
	require.Equal(t, []string{"firing critical"}, h.heard())
	require.ErrorIs(t, c.Flush(t.Context()), errGone)
	require.ErrorIs(t, center(db, nil).RaiseAlert(t.Context(), coverage(schemas.AlertCritical, evening)), errGone, "neither stored nor told")

	db.gone.Store(false)
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, []string{"firing critical"}, h.heard(), "not told twice")
	stored, err := db.Alerts(t.Context(), schema.AlertFiring, 10)
	require.NoError(t, err)
	require.Len(t, stored, 1)
	require.Equal(t, "critical", stored[0].Told)
}

// TestWhatWasHeldComesBeforeWhatFollows: what is over by the time the store is back does
// not fire from then on.
func TestWhatWasHeldComesBeforeWhatFollows(t *testing.T) {
	t.Parallel()
	db, h := &away{DB: database(t)}, newHook(t)
	c := center(db, h)
	firing := func() []schema.Alert {
		rows, err := db.DB.FiringAlerts(t.Context(), "coverage", "frankfurt-hbf")
		require.NoError(t, err)
		return rows
	}
	critical := coverage(schemas.AlertCritical, evening)
	db.gone.Store(true)
	require.NoError(t, c.RaiseAlert(t.Context(), critical))
	db.gone.Store(false)
	require.NoError(t, c.RaiseAlert(t.Context(), over(critical)))
	require.NoError(t, c.Flush(t.Context()))
	require.Empty(t, firing())
	require.Equal(t, []string{"firing critical", "resolved critical"}, h.heard())

	db.gone.Store(true)
	for _, a := range []schemas.Alert{critical, over(critical), critical, critical} {
		require.NoError(t, c.RaiseAlert(t.Context(), a))
	}
	db.gone.Store(false)
	require.NoError(t, c.Flush(t.Context()))
	require.Len(t, firing(), 1, "it came again")
}

// TestTheWorseStateWins: a process that tells a warning at the moment another
// notes that it became critical must not undo it.
func TestTheWorseStateWins(t *testing.T) {
	t.Parallel()
	db, h := database(t), newHook(t)
	require.NoError(t, center(db, nil).RaiseAlert(t.Context(), coverage(schemas.AlertWarning, evening)))
	late, err := db.FiringAlerts(t.Context(), "coverage", "frankfurt-hbf")
	require.NoError(t, err)
	require.NoError(t, center(db, nil).RaiseAlert(t.Context(), coverage(schemas.AlertCritical, evening)))
	late[0].Told, late[0].Version = "warning", late[0].Version+2
	require.NoError(t, db.SaveAlert(t.Context(), late[0]))
	require.NoError(t, center(db, h).Flush(t.Context()))
	require.Equal(t, []string{"firing critical"}, h.heard())
}

func TestAlertsNobodyCouldActOnAreRefused(t *testing.T) {
	t.Parallel()
	c := alert.New(alert.Options{Clock: now(evening)}) // a refused one never reaches the store
	for want, a := range map[string]schemas.Alert{
		"name and subject":      {Subject: "s", Severity: schemas.AlertInfo, Summary: "x"},
		`severity "loud"`:       {Name: "n", Subject: "s", Severity: "loud", Summary: "x"},
		"summary is required":   {Name: "n", Subject: "s", Severity: schemas.AlertInfo},
		"are required: they sa": {Name: "n", Resolved: true},
	} {
		require.ErrorContains(t, c.RaiseAlert(t.Context(), a), want)
	}
}

// Alerts of one subject raised together come to what they come to one by one, with
// one look at the store for all that is over and never was.
func TestAlertsOfASubjectTogether(t *testing.T) {
	t.Parallel()
	db, h := &away{DB: database(t)}, newHook(t)
	c := center(db, h)
	named := func(name string, a schemas.Alert) schemas.Alert { a.Name = name; return a }
	warning := coverage(schemas.AlertWarning, evening)
	raise := func(all ...schemas.Alert) error { return c.RaiseAlerts(t.Context(), warning.Subject, all) }
	require.NoError(t, raise(warning, named("drift", over(warning)), named("skew", warning)))
	require.Equal(t, []string{"firing warning", "firing warning"}, h.heard())
	db.asked.Store(0)
	require.NoError(t, raise(over(warning), named("drift", over(warning)), named("schema", over(warning)), named("skew", warning)))
	require.Equal(t, []string{"firing warning", "firing warning", "resolved warning"}, h.heard())
	require.EqualValues(t, 3, db.asked.Load(), "once for all, once for each of the two that were firing")

	db.gone.Store(true)
	require.NoError(t, raise(named("drift", warning)))
	db.gone.Store(false)
	require.NoError(t, raise(named("drift", over(warning))), "what is kept in memory can be over")
	require.NoError(t, c.Flush(t.Context()))
	firing, err := db.FiringAlerts(t.Context(), "", warning.Subject)
	require.NoError(t, err)
	require.Len(t, firing, 1, "skew alone: drift was over before the store knew of it")
	other := warning
	other.Subject = "somewhere else"
	require.ErrorContains(t, raise(other), "somewhere else")
}
