package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// Days of the simulated railway that the end-to-end test lives through: three
// of history, then the morning of a fourth over HTTP.
const (
	firstDay = rail.Day("2026-03-03")
	today    = rail.Day("2026-03-06")
)

// system is the embedded stack under test, its clock standing at a moment of
// the simulated railway.
type system struct {
	*embedded
	t    testing.TB
	out  *bytes.Buffer
	asOf time.Time
	// reproduced is the workflow that made a run again, recalibratedAgain the one
	// that made a recalibration again.
	reproduced, recalibratedAgain string
}

func startSystem(t testing.TB) *system {
	t.Helper()
	s := &system{t: t, out: &bytes.Buffer{}, asOf: today.Start().Add(9 * time.Hour)}
	c, err := config.Load(nil, map[string]string{"SOURCE": "simulation", "DATA_DIR": t.TempDir(), "LISTEN": "127.0.0.1:0",
		"TEMPORAL_PORT": "0", "TEMPORAL_UI_PORT": "0", "S3_PORT": "0", "CLICKHOUSE_PORT": "0",
		"SHADOW_DAYS": "0", "CANARY_DAYS": "0", "WATCH_DAYS": "0"})
	require.NoError(t, err)
	p := program{environ: os.Environ(), out: s.out, err: os.Stderr}
	s.embedded, err = p.embed(t.Context(), c, func(timetables.Network) (clock.Clock, error) {
		return clock.Replay(time.Now, s.asOf, s.asOf, 1)
	})
	require.NoError(t, err, s.out.String())
	t.Cleanup(s.stop)
	return s
}

// do runs a workflow to its end.
func do[R any](s *system, id, workflow string, input any) R {
	s.t.Helper()
	result, err := execute[R](s.t.Context(), s.adapters, id, workflow, input)
	require.NoError(s.t, err)
	return result
}

// collectMorning collects what the railway said until now.
func (s *system) collectMorning() { s.collect(s.asOf) }

func (s *system) collect(asOf time.Time) {
	s.t.Helper()
	collected := do[schemas.CollectResult](s, schemas.CollectID("main"), schemas.WorkflowCollect, schemas.CollectInput{AsOf: asOf})
	require.Positive(s.t, collected.Counts.Changes)
}

// promote makes a package champion at once.
func (s *system) promote(ref schemas.PackageRef) schemas.SwitchResult {
	s.t.Helper()
	switched, err := promoter{s.temporal}.Promote(s.t.Context(), "", schemas.PromoteRequest{Package: ref, Actor: "anna", Reason: "try it"})
	require.NoError(s.t, err)
	return switched
}

// tinyPackage is a version of the tiny model, n its number among those of the test.
func (s *system) tinyPackage(n int) schemas.PackageRef { return s.packageOf(n, servingtest.Artefact()) }

// packageOf builds, signs, stores and registers a version of a model.
func (s *system) packageOf(n int, artefact forecast.Artefact) schemas.PackageRef {
	s.t.Helper()
	version, err := s.registry.NextVersion(s.t.Context(), schemas.DefaultModel, fmt.Sprintf("run-%d", n))
	require.NoError(s.t, err)
	contents, err := servingtest.ContentsOf(version, artefact)
	require.NoError(s.t, err)
	dir := filepath.Join(s.t.TempDir(), "package")
	_, err = modelpkg.Build(dir, contents)
	require.NoError(s.t, err)
	require.NoError(s.t, modelpkg.Sign(dir, s.key))
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Prefix: fmt.Sprintf("models/%s/%d", schemas.DefaultModel, version), Created: contents.Created}
	ref.Digest, err = modelpkg.Upload(s.t.Context(), s.objects, dir, ref.Prefix)
	require.NoError(s.t, err)
	require.NoError(s.t, s.registry.Register(s.t.Context(), ref))
	return ref
}

// get asks the API and decodes the answer.
func (s *system) get(address, path string, into any) int {
	s.t.Helper()
	response, err := http.Get("http://" + address + path)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	if into != nil {
		require.NoError(s.t, json.Unmarshal(body, into), string(body))
	}
	return response.StatusCode
}
