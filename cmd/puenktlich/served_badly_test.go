package main

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/access"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// deepTrees make a forecast with its reasons take some 30 ms of processor time, a
// thousand times the tiny model's.
const deepTrees = 800

// askedBefore is how far back the moments lie that forecasts are asked for: the clock
// stands still, and what was asked already would be remembered.
const askedBefore = time.Hour

// TestAPackageThatServesBadlyEndsItsRollout: consumers ask an API process for single
// forecasts while a package of very many deep trees answers half of the trips as a canary.
// What the instance itself measures ends the rollout. Then one whose trees overflow for
// each departure becomes champion, and is taken back for the failures that it counts.
func TestAPackageThatServesBadlyEndsItsRollout(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.collect(s.asOf.Add(-askedBefore))
	s.collectMorning()
	champion, slow, failing := s.tinyPackage(1), s.packageOf(2, servingtest.Deep(deepTrees)), s.packageOf(3, servingtest.Overflowing("is_departure", 0.5))
	s.promote(champion)
	_, secret, err := s.book().Create(t.Context(), access.Wanted{Name: "app", Role: access.RolePredict}, time.Now())
	require.NoError(t, err)
	s.config.LeaseEvery = 2 * time.Second
	server := s.newServer("api-1")
	server.start()
	s.awaitLeases(1)
	_, paths := s.forecastPaths(t, server.address, secret, s.asOf.Add(-askedBefore))
	app := &consumer{s: s, address: server.address, secret: secret, paths: paths, from: s.asOf.Add(-askedBefore)}

	result := s.rollOutUnder(app, slow, schemas.Rollout{CanaryDays: 1, CanaryShare: 0.5, MaxP99Millis: 10, MinForecasts: 40})
	require.Equal(t, schemas.OutcomeRejected, result.Outcome)
	said := regexp.MustCompile(`^rejected by policy: the challenger: (\d+) of (\d+) forecasts took longer than 10 ms, (\d+\.\d) %, at most 1 % may$`).FindStringSubmatch(result.Reason)
	require.NotNil(t, said, result.Reason)
	t.Log(result.Reason)
	late, counted := numbers(t, said[1], said[2])
	require.GreaterOrEqual(t, counted, 40)
	require.LessOrEqual(t, counted, len(app.heard), "no forecast but those asked for")
	require.LessOrEqual(t, late, app.count(func(h heard) bool { return h.took > 10*time.Millisecond }), "what took the instance long took its caller longer")
	require.Zero(t, app.count(func(h heard) bool { return h.status != http.StatusOK }))
	canary, others := app.median("canary"), app.median("champion")
	t.Logf("median of a request: %s by the canary, %s by the champion", canary, others)
	require.Greater(t, canary, 3*others)
	require.Contains(t, s.withdrawn(slow), said[0][len("rejected by policy: "):])

	require.Zero(t, app.round(func(h heard) bool { return h.role == "canary" }), "a canary that was withdrawn answers nobody")
	app.heard = nil
	result = s.rollOutUnder(app, failing, schemas.Rollout{WatchDays: 1, MaxErrorRate: 0.02, MinForecasts: 40})
	require.Equal(t, schemas.OutcomeRolledBack, result.Outcome)
	// The failures may be counted before the watch has begun.
	said = regexp.MustCompile(`^(?:rejected by policy|version 1 is champion again by policy): the champion: (\d+) of (\d+) forecasts failed, (\d+\.\d) %, at most 2\.0 % may$`).FindStringSubmatch(result.Reason)
	require.NotNil(t, said, result.Reason)
	t.Log(result.Reason)
	failed, counted := numbers(t, said[1], said[2])
	require.GreaterOrEqual(t, counted, 40)
	require.LessOrEqual(t, failed, app.count(func(h heard) bool { return h.status == http.StatusInternalServerError }), "no failure but those that callers met")
	require.Equal(t, champion.Digest, result.Champion.Digest)
	require.Equal(t, []string{"api-1"}, result.Switch.Confirmed)
	require.Equal(t, len(paths), app.round(func(h heard) bool { return h.digest == champion.Digest }), "all are answered again")
}

// rollOutUnder tries a package while a consumer asks for one forecast after the other,
// until the rollout has ended.
func (s *system) rollOutUnder(app *consumer, candidate schemas.PackageRef, rollout schemas.Rollout) (result schemas.PromoteResult) {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: schemas.PromoteID(schemas.DefaultModel), TaskQueue: string(schemas.QueueControl)}, schemas.WorkflowPromoteModel,
		schemas.PromoteInput{Package: candidate, AsOf: s.asOf, Rollout: &rollout, Actor: "anna", Reason: "try it"})
	require.NoError(s.t, err)
	ended := make(chan error, 1)
	go func() { ended <- run.Get(s.t.Context(), &result) }()
	for {
		select {
		case err := <-ended:
			require.NoError(s.t, err)
			return result
		default:
			app.ask()
		}
	}
}

// withdrawn is why a challenger was taken away, as the registry knows it.
func (s *system) withdrawn(challenger schemas.PackageRef) (details string) {
	s.t.Helper()
	events, err := s.db.RegistryEvents(s.t.Context(), schemas.DefaultModel, time.Time{})
	require.NoError(s.t, err)
	for _, e := range events {
		if e.Event == "withdrawn" && e.Digest == challenger.Digest {
			require.Equal(s.t, "policy", e.Actor)
			details = e.Reason
		}
	}
	return details
}

// consumer asks for one forecast after the other, with reasons, and notes what it got.
type consumer struct {
	s               *system
	address, secret string
	paths           []string
	from            time.Time // each round asks about a moment half a minute later, until now and from here again
	asked           int
	heard           []heard
}

// heard is one answer; a refusal has no role and no digest.
type heard struct {
	status       int
	role, digest string
	took         time.Duration
}

func (c *consumer) ask() {
	c.s.t.Helper()
	const step = 30 * time.Second
	at := c.from.Add(time.Duration(c.asked/len(c.paths)) * step % askedBefore)
	path := c.paths[c.asked%len(c.paths)] + "&at=" + url.QueryEscape(at.Format(time.RFC3339))
	c.asked++
	request, err := http.NewRequestWithContext(c.s.t.Context(), http.MethodGet, "http://"+c.address+path, nil)
	require.NoError(c.s.t, err)
	request.Header.Set("Authorization", "Bearer "+c.secret)
	begun := time.Now()
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.s.t, err)
	h := heard{status: response.StatusCode, took: time.Since(begun)}
	if h.status == http.StatusOK {
		var answer struct{ Forecast struct{ Role, Digest string } }
		require.NoError(c.s.t, json.Unmarshal(body, &answer), string(body))
		h.role, h.digest = answer.Forecast.Role, answer.Forecast.Digest
	}
	c.heard = append(c.heard, h)
}

// round asks for each forecast once and counts some of the answers.
func (c *consumer) round(which func(heard) bool) int {
	c.s.t.Helper()
	c.heard = nil
	for range c.paths {
		c.ask()
	}
	return c.count(which)
}

func (c *consumer) count(which func(heard) bool) (n int) {
	for _, h := range c.heard {
		if which(h) {
			n++
		}
	}
	return n
}

// median time of the requests that a role answered.
func (c *consumer) median(role string) time.Duration {
	c.s.t.Helper()
	all := slices.Clone(c.heard)
	all = slices.DeleteFunc(all, func(h heard) bool { return h.role != role })
	require.NotEmpty(c.s.t, all, role)
	slices.SortFunc(all, func(a, b heard) int { return cmp.Compare(a.took, b.took) })
	return all[len(all)/2].took
}

func numbers(t *testing.T, one, other string) (int, int) {
	t.Helper()
	a, err := strconv.Atoi(one)
	require.NoError(t, err)
	b, err := strconv.Atoi(other)
	require.NoError(t, err)
	return a, b
}
